//! What a program told the system about the files in its directory, read from what strace wrote down.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use hostkit::store::{StoreClock, Timestamp};

/// Everything that can change a file. What of it the model does not know, it refuses.
const CALLS: &str = "trace=openat,open,creat,pwrite64,pwritev,pwritev2,write,writev,fsync,fdatasync,sync_file_range,\
    ftruncate,truncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,\
    rmdir,mmap,copy_file_range,sendfile";

/// The number of a file: a name may lead to several in its time.
pub(super) type File = usize;

/// Something a program asked for.
#[derive(Debug)]
pub(super) enum What {
    /// A name leads to a new file from now on.
    Make(String, File),
    MakeDirectory(String),
    Remove(String),
    Write {
        file: File,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate(File, usize),
    Sync(File),
    SyncDirectory(String),
}

/// One call. Lines of the record are the only time there is.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) began: usize,
    pub(super) ended: usize,
    pub(super) what: What,
}

/// A whole run.
#[derive(Debug)]
pub(super) struct Record {
    /// In the order in which they began.
    pub(super) events: Vec<Event>,
    /// The lines of the ledger, each with when it was written.
    pub(super) ledger: Vec<(usize, String)>,
    /// How many lines the record has.
    pub(super) lines: usize,
    /// When it ended.
    pub(super) ended: Timestamp,
}

impl Record {
    /// Has strace run a program that uses `directory`, which must be empty.
    pub(super) fn of(program: &str, arguments: &[&str], directory: &Path, to: &Path) -> Self {
        let ran = Command::new("strace")
            .args(["-f", "-y", "-xx", "-qq", "-s", "1048576", "-e", CALLS, "-o"])
            .arg(to)
            .arg(program)
            .arg(directory)
            .args(arguments)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let record = Self::read(&fs::read_to_string(to).unwrap(), directory);
        fs::remove_file(to).unwrap();
        record
    }

    fn read(text: &str, directory: &Path) -> Self {
        let mut reader = Reader { root: format!("{}/", directory.display()), ..Reader::default() };
        let mut unfinished = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let (thread, call) = line.split_once(' ').unwrap();
            let call = call.trim_start();
            if let Some(first) = call.strip_suffix(" <unfinished ...>") {
                unfinished.insert(thread, (number, first));
            } else if let Some(resumed) = call.strip_prefix("<... ") {
                let (began, first) = unfinished.remove(thread).unwrap();
                let (_, rest) = resumed.split_once(" resumed>").unwrap();
                reader.call(began, number, &format!("{first}{rest}"));
            } else {
                reader.call(number, number, call);
            }
        }
        let Reader { mut events, mut ledger, .. } = reader;
        events.sort_by_key(|event| event.began);
        ledger.sort_by_key(|(line, _)| *line);
        Self { events, ledger, lines: text.lines().count(), ended: StoreClock::machine().now() }
    }
}

#[derive(Default)]
struct Reader {
    root: String,
    names: BTreeMap<String, File>,
    files: usize,
    events: Vec<Event>,
    ledger: Vec<(usize, String)>,
}

impl Reader {
    /// The name of something in the directory, if that is where it is.
    fn inside(&self, path: &[u8]) -> Option<String> {
        std::str::from_utf8(path).ok()?.strip_prefix(&self.root).map(ToOwned::to_owned)
    }

    fn call(&mut self, began: usize, ended: usize, call: &str) {
        let Some((name, rest)) = call.split_once('(') else { return };
        let (arguments, answer) = rest.rsplit_once(" = ").unwrap_or((rest, "?"));
        let arguments = arguments.trim_end().trim_end_matches(')');
        if answer.starts_with(['-', '?']) {
            return;
        }
        let texts = quoted(arguments);
        // The file is the first that is named, but for `openat` and its kind, which begin with a directory.
        let descriptor = arguments.find('<').map(|start| {
            let end = arguments[start..].find('>').unwrap() + start;
            (unescaped(&arguments[start + 1..end]), arguments[end..].starts_with(">(deleted)"))
        });
        let open = descriptor.filter(|_| !name.ends_with("at"));
        let (path, is_deleted) = match &open {
            Some((path, is_deleted)) => (path.clone(), *is_deleted),
            None => (texts.first().cloned().unwrap_or_default(), false),
        };
        let is_root = path == self.root.trim_end_matches('/').as_bytes();
        let Some(path) = self.inside(&path).or_else(|| is_root.then(String::new)) else { return };
        let numbers: Vec<_> = arguments.rsplit(", ").map(str::parse::<usize>).map_while(Result::ok).collect();
        let what = match name {
            "openat" | "open" => {
                assert!(!arguments.contains("O_TRUNC"), "{call:.200}");
                if !arguments.contains("O_CREAT") || self.names.contains_key(&path) {
                    return;
                }
                self.files += 1;
                self.names.insert(path.clone(), self.files);
                What::Make(path, self.files)
            }
            "write" if path == "ledger" => {
                let lines = String::from_utf8(texts[0].clone()).unwrap();
                self.ledger.push((began, lines.trim_end().to_owned()));
                return;
            }
            // Only what is shared between processes, and lost with them, is written without a call.
            "mmap" => {
                assert!(path.ends_with("-shm") || !arguments.contains("MAP_SHARED"), "{call:.200}");
                return;
            }
            _ if path.ends_with("-shm") && name != "unlink" => return,
            // Nobody will find it again.
            _ if is_deleted => return,
            "pwrite64" => {
                let written: usize = answer.trim().parse().unwrap();
                assert_eq!(texts[0].len(), numbers[1], "all that was written is in the record");
                What::Write { file: self.names[&path], at: numbers[0], bytes: texts[0][..written].to_vec() }
            }
            "ftruncate" => What::Truncate(self.names[&path], numbers[0]),
            "fsync" | "fdatasync" => match self.names.get(&path) {
                Some(file) => What::Sync(*file),
                None => What::SyncDirectory(path),
            },
            "mkdir" => What::MakeDirectory(path),
            "unlink" => {
                self.names.remove(&path);
                What::Remove(path)
            }
            _ => panic!("the model does not know this: {call:.200}"),
        };
        self.events.push(Event { began, ended, what });
    }
}

/// What stands between quotation marks.
fn quoted(arguments: &str) -> Vec<Vec<u8>> {
    arguments.split('"').skip(1).step_by(2).map(unescaped).collect()
}

/// `\x41` is an A; what is not escaped is what it is.
fn unescaped(text: &str) -> Vec<u8> {
    let text = text.as_bytes();
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap() as u8;
    let (mut bytes, mut at) = (Vec::with_capacity(text.len() / 4), 0);
    while at < text.len() {
        if text[at..].starts_with(b"\\x") {
            bytes.push(digit(text[at + 2]) << 4 | digit(text[at + 3]));
            at += 4;
        } else {
            bytes.push(text[at]);
            at += 1;
        }
    }
    bytes
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let text = r#"17 openat(AT_FDCWD<\x2f>, "\x2f\x64\x2f\x61", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3<\x2f\x64\x2f\x61>
17 pwrite64(3</d/a>, "\x68\x69\x22", 3, 512 <unfinished ...>
18 write(4</d/ledger>, "\x6f\x6b\x0a", 3) = 3
17 <... pwrite64 resumed>)     = 3
17 fdatasync(3</d/a>) = -1 EIO (Input/output error)
18 fsync(5</d>) = 0
17 unlink("/d/a") = 0
17 ftruncate(3</d/a>(deleted), 0) = 0
17 write(6</elsewhere>, "\x6f", 1) = 1
"#;
    let record = Record::read(text, Path::new("/d"));
    let events: Vec<_> = record.events.iter().map(|event| format!("{event:?}")).collect();
    assert_eq!(
        events,
        [
            r#"Event { began: 0, ended: 0, what: Make("a", 1) }"#,
            "Event { began: 1, ended: 3, what: Write { file: 1, at: 512, bytes: [104, 105, 34] } }",
            r#"Event { began: 5, ended: 5, what: SyncDirectory("") }"#,
            r#"Event { began: 6, ended: 6, what: Remove("a") }"#,
        ]
    );
    assert_eq!(record.ledger, [(2, "ok".to_owned())]);
}
