//! All mutants of the rooms that decide what a program gets, each against the tests.
//!
//! cargo-mutants says which mutants there are. They are compiled into one program, in which a number
//! says which of them is on: a build for each would take days. Those that cannot be compiled that
//! way are built alone.

mod build;
mod list;
mod rooms;
mod tree;
mod trial;

use build::{Place, Program};
use list::Mutant;
use rooms::Room;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trial::End;

/// A program of tests as it is run.
struct Suite {
    program: Program,
    arguments: Vec<String>,
    limit: Duration,
}

/// The programs that have the number in them.
struct Switches(Vec<(Program, u64)>);

impl Switches {
    fn set(&self, number: usize) {
        for (program, at) in &self.0 {
            trial::set_at(program, *at, number);
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let repository = PathBuf::from(arguments.next().expect("the repository"));
    let mut wanted: Vec<String> = arguments.collect();
    // Those alone that survived the last time.
    let again = wanted.iter().any(|word| word == "again");
    // Those alone that have no switch.
    let alone = wanted.iter().any(|word| word == "alone");
    wanted.retain(|word| word != "again" && word != "alone");
    let under = std::env::var_os("MUTANTS_DIRECTORY")
        .map_or_else(|| repository.join("target/mutants"), PathBuf::from);
    let place = Place { tree: under.join("tree"), target: under.join("build"), repository };
    let json = fs::read_to_string(under.join("list.json")).expect("target/mutants/list.json");
    let survivors = fs::read_to_string(place.repository.join("tests/mutants/survivors"))
        .expect("tests/mutants/survivors");
    let reasoned: BTreeSet<&str> =
        survivors.lines().filter_map(|line| Some(line.split_once('\t')?.0)).collect();
    let mutants = list::read(&json);
    let rooms: Vec<&Room> = rooms::ROOMS
        .iter()
        .filter(|room| wanted.is_empty() || wanted.iter().any(|name| name == room.name))
        .collect();
    assert!(!rooms.is_empty(), "no such room");

    let tests: BTreeSet<&str> = rooms.iter().flat_map(|room| room.tests).copied().collect();
    let mut command = vec!["test", "--no-run", "--lib", "--bins"];
    for test in &tests {
        command.extend(["--test", test]);
    }
    let (layout, programs) = build_switched(&place, &mutants, &command);
    // The integration tests start them.
    place.build(&["build", "--examples"]).expect("the examples are built");
    let switches =
        Switches(programs.iter().filter_map(|it| Some((it.clone(), trial::place(it)?))).collect());
    for program in ["bin nexis-launch", "lib nexis_launch"] {
        assert!(switches.0.iter().any(|(it, _)| it.name == program), "no switch in {program}");
    }

    let mut known = BTreeMap::new();
    let mut trials: Vec<_> = rooms
        .iter()
        .map(|room| {
            let path = under.join(format!("{}.txt", room.name));
            let before = (again || alone).then(|| fs::read_to_string(&path).unwrap_or_default());
            let done = |word: &str, name: &str| match word {
                "SURVIVED" => alone || reasoned.contains(name),
                word => ["caught", "timeout", "unviable"].contains(&word),
            };
            let mut trial = Trial::new(room, &mutants, before.as_deref(), &done);
            for &number in trial.open.clone().intersection(&layout.unviable) {
                trial.note(number, &mutants[number - 1], Fate::Unviable);
            }
            (trial, path)
        })
        .collect();
    // The units of all rooms first: they are quick, and leave little. What survived the last time
    // they have seen already.
    let only_integration = again && std::env::var_os("MUTANTS_WITHOUT_UNITS").is_some();
    let mut all: BTreeMap<(&str, bool), Vec<Suite>> = BTreeMap::new();
    for units in [true, false] {
        for (room, (trial, path)) in rooms.iter().zip(&mut trials) {
            let suites = suites(room, units, &programs, &place.tree, &switches, &mut known);
            if !alone && !(units && only_integration) {
                trial.reopen(&mutants, &reasoned);
                trial.go(&mutants, &suites, &place.tree, |number| {
                    !layout.left.contains(&number) && {
                        switches.set(number);
                        true
                    }
                });
                trial.tell();
                fs::write(path, trial.results()).expect("the results are written");
            }
            all.insert((room.name, units), suites);
        }
    }
    switches.set(0);
    // A build for each takes hours; without them those are named as not tried.
    if std::env::var_os("MUTANTS_NOT_ALONE").is_some() {
        return;
    }
    // From here on the programs are others.
    for (trial, path) in &mut trials {
        let numbers: Vec<usize> =
            trial.open.iter().copied().filter(|number| layout.left.contains(number)).collect();
        for number in numbers {
            let mutant = &mutants[number - 1];
            let there = fs::read(place.tree.join(&mutant.file)).expect("a source");
            place.apply(mutant);
            let fate = if place.build(&["check", "--lib"]).is_err() {
                Some(Fate::Unviable)
            } else {
                // The units find most, and the program takes as long to build again.
                let builds =
                    [(true, &["test", "--no-run", "--lib"][..]), (false, &["build", "--bins"])];
                builds.into_iter().try_fold(Fate::Survived, |fate, (units, build)| match fate {
                    Fate::Survived => {
                        place.build(build).ok()?;
                        Some(try_all(&all[&(trial.room, units)], &place.tree))
                    }
                    fate => Some(fate),
                })
            };
            // What a constant comes to, the compiler finds out when it makes the program.
            trial.note(number, mutant, fate.unwrap_or(Fate::Unviable));
            fs::write(place.tree.join(&mutant.file), there).expect("a source");
            fs::write(&path, trial.results()).expect("the results are written");
        }
        trial.tell();
    }
}

/// Builds with switches for as many mutants as possible.
fn build_switched(
    place: &Place,
    mutants: &[Mutant],
    command: &[&str],
) -> (build::Layout, Vec<Program>) {
    let cache = place.tree.with_file_name("left.txt");
    let names = fs::read_to_string(&cache).unwrap_or_default();
    // By name: whether it is unviable.
    let names: BTreeMap<&str, bool> = names
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(word, name)| (name, word == "unviable"))
        .collect();
    let known = |number: &usize| names.get(mutants[number - 1].name.as_str()).copied();
    let mut out: BTreeSet<usize> =
        (1..=mutants.len()).filter(|number| known(number).is_some()).collect();
    let mut unviable: BTreeSet<usize> =
        out.iter().copied().filter(|number| known(number) == Some(true)).collect();
    loop {
        let mut layout = place.switch(mutants, &out);
        let began = Instant::now();
        let result = match place.build(&["check", "--lib"]) {
            Ok(_) => place.build(command),
            Err(errors) => Err(errors),
        };
        match result {
            Ok(programs) => {
                println!(
                    "built: {} mutants, {} without a switch, {} s",
                    mutants.len(),
                    layout.left.len(),
                    began.elapsed().as_secs()
                );
                let line = |number: &usize| {
                    let word = if unviable.contains(number) { "unviable" } else { "left" };
                    format!("{word}\t{}\n", mutants[number - 1].name)
                };
                fs::write(&cache, out.iter().map(line).collect::<String>())
                    .expect("what is left is written");
                layout.unviable = unviable;
                return (layout, programs);
            }
            Err(errors) => {
                let (without_default, others): (Vec<_>, Vec<_>) =
                    errors.into_iter().partition(build::is_without_default);
                let no_default = layout.blame(&without_default).unwrap_or_default();
                let others = layout.blame(&others).unwrap_or_default();
                println!("not to be switched: {} more", no_default.len() + others.len());
                assert!(
                    !no_default.is_empty() || !others.is_empty(),
                    "an error that is no mutant's"
                );
                out.extend(&no_default);
                out.extend(&others);
                unviable.extend(no_default);
            }
        }
    }
}

/// The programs that hold a room, with their limits, as they are without a mutant.
fn suites(
    room: &Room,
    units: bool,
    programs: &[Program],
    tree: &Path,
    switches: &Switches,
    known: &mut BTreeMap<String, (BTreeSet<String>, Duration)>,
) -> Vec<Suite> {
    switches.set(0);
    let mut suites = Vec::new();
    let mut names = Vec::new();
    if units {
        names.push(("lib nexis_launch".to_owned(), room.units));
    } else {
        if !room.slow_units.is_empty() {
            names.push(("lib nexis_launch".to_owned(), room.slow_units));
        }
        names.extend(room.tests.iter().map(|test| (format!("test {test}"), &[][..])));
    }
    for (name, only) in names {
        let program = programs.iter().find(|it| it.name == name).expect("a program of tests");
        let mut arguments: Vec<String> = only.iter().map(|&it| it.to_owned()).collect();
        if units {
            arguments
                .extend(rooms::SLOW.iter().flat_map(|it| ["--skip".to_owned(), it.to_string()]));
        }
        let key = format!("{name} {arguments:?}");
        let (broken, took) = known.entry(key).or_insert_with(|| {
            let broken = trial::broken(program, &arguments, Duration::from_secs(600), tree);
            let mut all = arguments.clone();
            all.extend(broken.iter().flat_map(|test| ["--skip".to_owned(), test.clone()]));
            let began = Instant::now();
            let _ = trial::run(program, &all, Duration::from_secs(600), tree);
            (broken, began.elapsed())
        });
        assert!(broken.len() <= 5, "{name} does not pass as it is: {broken:?}");
        println!("  {name} {only:?}: {} ms, without {broken:?}", took.as_millis());
        arguments.extend(broken.iter().flat_map(|test| ["--skip".to_owned(), test.clone()]));
        let limit = Duration::from_secs(40) + *took * 8;
        suites.push(Suite { program: program.clone(), arguments, limit });
    }
    suites
}

/// What became of a mutant.
enum Fate {
    Caught(String),
    TimedOut(String),
    Unviable,
    Survived,
}

/// What became of a room's mutants.
struct Trial {
    room: &'static str,
    open: BTreeSet<usize>,
    /// By name: the fate's word, and what there is to say.
    lines: BTreeMap<String, (&'static str, String)>,
}

impl Trial {
    /// `done` says of a word and a name of `before` whether that is not tried again.
    fn new(
        room: &Room,
        mutants: &[Mutant],
        before: Option<&str>,
        done: &dyn Fn(&str, &str) -> bool,
    ) -> Trial {
        let mut lines = BTreeMap::new();
        for line in before.unwrap_or_default().lines() {
            let mut parts = line.splitn(3, '\t');
            let (Some(word), Some(name)) = (parts.next(), parts.next()) else { continue };
            let by = parts.next().unwrap_or_default().to_owned();
            let words = ["caught", "timeout", "unviable", "SURVIVED"];
            if let Some(word) = words.into_iter().find(|it| *it == word && done(it, name)) {
                lines.insert(name.to_owned(), (word, by));
            }
        }
        let own = |mutant: &Mutant| room.files.iter().any(|file| mutant.file.starts_with(file));
        let names: BTreeSet<&str> =
            mutants.iter().filter(|it| own(it)).map(|it| it.name.as_str()).collect();
        lines.retain(|name, _| names.contains(name.as_str()));
        let open: BTreeSet<usize> = (1..=mutants.len())
            .filter(|number| own(&mutants[number - 1]))
            .filter(|number| !lines.contains_key(&mutants[number - 1].name))
            .collect();
        println!("{}: {} mutants, {} to be tried", room.name, names.len(), open.len());
        Trial { room: room.name, open, lines }
    }

    /// Tries those that `ready` says can be tried now.
    fn go(
        &mut self,
        mutants: &[Mutant],
        suites: &[Suite],
        tree: &Path,
        ready: impl Fn(usize) -> bool,
    ) {
        for number in self.open.clone() {
            if ready(number) {
                let fate = try_all(suites, tree);
                self.note(number, &mutants[number - 1], fate);
            }
        }
    }

    fn note(&mut self, number: usize, mutant: &Mutant, fate: Fate) {
        let (word, by) = match fate {
            Fate::Caught(by) => ("caught", by),
            Fate::TimedOut(by) => ("timeout", by),
            Fate::Unviable => ("unviable", String::new()),
            Fate::Survived => ("SURVIVED", format!("line {}", mutant.line())),
        };
        println!("{word}\t{}\t{by}", mutant.name);
        std::io::stdout().flush().expect("standard output");
        self.open.remove(&number);
        self.lines.insert(mutant.name.clone(), (word, by));
    }

    /// What has survived so far without a reason is to be tried further.
    fn reopen(&mut self, mutants: &[Mutant], reasoned: &BTreeSet<&str>) {
        let survived = |mutant: &Mutant| {
            self.lines.get(&mutant.name).is_some_and(|(word, _)| *word == "SURVIVED")
                && !reasoned.contains(mutant.name.as_str())
        };
        let numbers = (1..=mutants.len()).filter(|number| survived(&mutants[number - 1]));
        self.open.extend(numbers);
    }

    fn results(&self) -> String {
        self.lines.iter().map(|(name, (word, by))| format!("{word}\t{name}\t{by}\n")).collect()
    }

    fn tell(&self) {
        let count = |word| self.lines.values().filter(|(it, _)| *it == word).count();
        println!(
            "== {}: {} mutants, {} caught, {} timed out, {} unviable, {} survived",
            self.room,
            self.lines.len(),
            count("caught"),
            count("timeout"),
            count("unviable"),
            count("SURVIVED")
        );
    }
}

fn try_all(suites: &[Suite], tree: &Path) -> Fate {
    for suite in suites {
        let name = &suite.program.name;
        let mut arguments = suite.arguments.clone();
        loop {
            match trial::run(&suite.program, &arguments, suite.limit, tree) {
                End::Passed => break,
                End::TimedOut => return Fate::TimedOut(name.clone()),
                End::Failed(None) => return Fate::Caught(name.clone()),
                End::Failed(Some(test)) => {
                    let alone = ["--exact".to_owned(), test.clone()];
                    let again = trial::run(&suite.program, &alone, suite.limit, tree);
                    if name.starts_with("lib") || again != End::Passed {
                        return Fate::Caught(format!("{name} {test}"));
                    }
                    // It failed by something else.
                    arguments.extend(["--skip".to_owned(), test]);
                }
            }
        }
    }
    Fate::Survived
}
