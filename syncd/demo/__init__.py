"""What `syncd demo` shows: pictures, a stage, scenes, and a closing table."""
