"""The programs and every flag."""
