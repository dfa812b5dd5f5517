hostkit::main!(worker_threads = 0);
