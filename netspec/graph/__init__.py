"""Spec to Graph: blocks, names, expressions, shapes, costs. Nothing is allocated."""
