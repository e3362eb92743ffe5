"""OpenAI as it speaks on the wire: dall-e-3, the GPT Image family, and the list of models."""
