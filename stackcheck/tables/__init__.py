"""Knowledge as data: TOML rows, each with its source and the date it was checked, and typed ways to ask them."""
