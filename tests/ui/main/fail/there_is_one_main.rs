hostkit::main!();

hostkit::main!();
