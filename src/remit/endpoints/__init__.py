"""REST, the MCP server, the model endpoint and A2A. Filled later."""
