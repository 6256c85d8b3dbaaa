"""Thin adapters for agent frameworks (LangGraph, OpenAI Agents SDK, Pydantic AI, CrewAI). Filled later."""
