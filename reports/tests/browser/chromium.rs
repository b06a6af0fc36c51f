//! A headless Chromium, driven through the pipe of its `DevTools` protocol: no port, no driver, no crate of ten thousand
//! generated types for the dozen calls that are needed.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};

/// A browser that has not answered for so long never will; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// Under which names it is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// How many browsers have been started: each has a profile of its own.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// The program, if it is on this machine; `CHROMIUM` names another.
pub(crate) fn installed() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let mut places = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.find(|place| place.is_file())
}

/// A browser with one tab. Everything that the tab does is kept.
pub(crate) struct Tab {
    browser: RefCell<Browser>,
    session: String,
}

struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    last: u64,
    events: Vec<Value>,
    profile: PathBuf,
}

impl Tab {
    /// Opens a tab of this size, in a theme, at `page`, and waits until it has loaded.
    pub(crate) fn open(page: &Path, (width, height): (u32, u32), theme: &str) -> Self {
        let mut browser = Browser::start();
        let target = browser.call(None, "Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session =
            browser.call(None, "Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        let tab = Self { browser: RefCell::new(browser), session };
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        tab.call("Performance.enable", json!({"timeDomain": "threadTicks"}));
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        tab.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
        tab.call("Emulation.setEmulatedMedia", json!({"features": features}));
        tab.load("Page.navigate", json!({"url": format!("file://{}", page.display())}));
        tab
    }

    /// Loads the page once more after a script of ours.
    pub(crate) fn reload_after(&self, script: &str) {
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script}));
        self.load("Page.reload", json!({}));
    }

    /// Does what loads a page, and waits until it has loaded and drawn.
    fn load(&self, method: &str, parameters: Value) {
        let before = self.events("Page.loadEventFired").len();
        self.call(method, parameters);
        while self.events("Page.loadEventFired").len() == before {
            self.browser.borrow_mut().receive();
        }
        self.drawn();
    }

    /// A call of the protocol, for this tab.
    pub(crate) fn call(&self, method: &str, parameters: Value) -> Value {
        self.browser.borrow_mut().call(Some(&self.session), method, parameters)
    }

    /// What an expression gives; a promise is awaited.
    pub(crate) fn js(&self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until the page has drawn what it was told.
    pub(crate) fn drawn(&self) {
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    }

    /// Presses keys, one after the other, as a keyboard does.
    pub(crate) fn press(&self, keys: &[&str]) {
        for key in keys {
            for kind in ["keyDown", "keyUp"] {
                let mut event = json!({"type": kind, "key": key});
                if kind == "keyDown" && key.chars().count() == 1 {
                    event["text"] = json!(key);
                }
                if *key == "Tab" {
                    (event["code"], event["windowsVirtualKeyCode"]) = (json!("Tab"), json!(9));
                }
                self.call("Input.dispatchKeyEvent", event);
            }
        }
        self.drawn();
    }

    /// The mouse does something at a place.
    pub(crate) fn mouse(&self, kind: &str, x: f64, y: f64, more: &Value) {
        let mut event = json!({"type": kind, "x": x, "y": y});
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        self.call("Input.dispatchMouseEvent", event);
    }

    /// The parameters of every event of this name so far.
    pub(crate) fn events(&self, method: &str) -> Vec<Value> {
        let browser = self.browser.borrow();
        let named = browser.events.iter().filter(|event| event["method"] == method);
        named.map(|event| event["params"].clone()).collect()
    }

    /// Whatever the console, the policy or a script complained of.
    pub(crate) fn complaints(&self) -> Vec<Value> {
        let kinds = [
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        ];
        kinds.iter().flat_map(|kind| self.events(kind)).collect()
    }

    /// Every URL that was asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = self.events("Network.requestWillBeSent");
        requests.iter().map(|event| event["request"]["url"].as_str().unwrap().to_owned()).collect()
    }
}

impl Browser {
    fn start() -> Self {
        let chromium = installed().expect("tests of the browser run where there is one");
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("unstuck-browser-{}-{number}", std::process::id()));
        // the pipe's ends are the descriptors 3 and 4; without its sandbox, which root and containers do not have: it
        // opens nothing but our own file
        let script = r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"#;
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(chromium)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
            ])
            .args([
                "--no-first-run",
                "--disable-extensions",
                "--disable-background-networking",
                "--disable-dev-shm-usage",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (sender, from) = mpsc::channel();
        std::thread::spawn(move || {
            let mut message = vec![];
            while out.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        Self { child, to, from, last: 0, events: vec![], profile }
    }

    fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method});
        message["params"] = parameters;
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            if let Some(mut answer) = self.receive() {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }

    /// The next message: an answer is given back, an event is kept.
    fn receive(&mut self) -> Option<Value> {
        let message = self.from.recv_timeout(PATIENCE).expect("the browser answers");
        if message["id"] == self.last {
            return Some(message);
        }
        self.events.push(message);
        None
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _it_may_be_gone = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        // it ends by itself, which closes the pipe; one that does not is ended
        while self.from.recv_timeout(Duration::from_secs(10)).is_ok() {}
        let _gone = self.child.kill();
        let _status = self.child.wait();
        let _left_for_the_next_cleaning = std::fs::remove_dir_all(&self.profile);
    }
}
