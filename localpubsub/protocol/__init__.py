"""The API's protocol buffers: their classes (pb.py), and the framing of what is copied thousands of times a second (wire.py)."""
