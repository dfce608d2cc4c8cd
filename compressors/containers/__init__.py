"""Files taken apart into what their compressed streams hold, and put together again to the byte."""
