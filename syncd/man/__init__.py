"""The manual: the pages for man, and the topics of `syncd help`, from one source for each page."""
