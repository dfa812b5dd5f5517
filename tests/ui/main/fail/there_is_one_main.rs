// 2 errors: of the function and of the module beside it.
hostkit::main!();

hostkit::main!();
