"""Google as it speaks on the wire of the Gemini API: Imagen 4 (`:predict`) and Gemini images (`:generateContent`)."""
