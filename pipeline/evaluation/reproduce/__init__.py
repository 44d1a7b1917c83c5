"""The paper's studies as commands, on whatever data is at hand; one file a table or figure."""
