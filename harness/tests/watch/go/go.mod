module loader

go 1.21
