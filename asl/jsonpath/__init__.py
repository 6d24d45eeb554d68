"""JSONPath mode: paths, payload templates, intrinsic functions, choice rules, data flow."""
