"""`prompt-intent generate`: one prompt, or files and folders of them, from the command line; drawn and billed once."""
