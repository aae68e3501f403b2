//! A job's prompt, and the files that a job names.

use std::path::Path;
use std::sync::Arc;

use super::super::diagnostic::{Diagnostic, quoted};
use super::super::document::{Document, Span};
use super::super::files;
use super::super::job::Job;
use super::super::located::Located;
use super::{Check, Text};

/// A file that cannot be used.
pub(super) struct NoFile {
    pub(super) finding: Diagnostic,
    /// By its name alone, whatever the folder holds: a mistake of who wrote the manifest.
    is_misnamed: bool,
}

impl Check<'_> {
    pub(super) fn prompt(&mut self, id: &Located<String>, keys: &Job) -> Option<Result<Text, String>> {
        let empty = || {
            let finding = Diagnostic::new(format!("the prompt of job {} is empty", quoted(id)));
            finding.help("say in words what is to be done")
        };
        match (&keys.prompt, &keys.prompt_file) {
            (Some(_), Some(file)) => {
                let finding =
                    Diagnostic::new(format!("job {} has both `prompt` and `prompt-file`", quoted(id)));
                self.wrong(finding.help("keep one of them"), file.span);
                None
            }
            (None, None) => {
                let (finding, at) = self.without_prompt(id);
                self.wrong(finding, at);
                None
            }
            (Some(prompt), None) if prompt.trim().is_empty() => {
                self.wrong(empty(), prompt.span);
                None
            }
            (Some(prompt), None) => {
                if let Some(at) = self.document.issue_number_behind(prompt.span) {
                    let what = "the prompt ends here: to YAML the rest of the line is a comment";
                    let help = "put the prompt in quotes, or write it below `|`; a comment has a space behind its `#`";
                    self.wrong(Diagnostic::new(what).help(help), at);
                }
                let document = Arc::clone(self.document);
                Some(Ok(Text { document, span: prompt.span, text: prompt.as_str().into() }))
            }
            (None, Some(file)) => match self.file("prompt-file", file) {
                Ok(document) if document.text().trim().is_empty() => {
                    let what = format!("`prompt-file`: {} is empty", quoted(file));
                    Some(Err(Diagnostic::new(what).at(self.document, file.span).in_one_line()))
                }
                Ok(document) => {
                    let span = Span::new(0..document.text().len());
                    let text = document.shared_text();
                    Some(Ok(Text { document, span, text }))
                }
                Err(NoFile { finding, is_misnamed: false }) => Some(Err(finding.in_one_line())),
                Err(NoFile { finding, .. }) => {
                    self.findings.push(finding);
                    None
                }
            },
        }
    }

    /// What is said of a job that has no prompt; perhaps it has one that begins with `#`.
    fn without_prompt(&self, id: &Located<String>) -> (Diagnostic, Span) {
        let job = quoted(id);
        match self.document.comment_behind("prompt:", id.span) {
            Some(at) => {
                let what = format!("the prompt of job {job} begins with `#`: to YAML it is a comment");
                let help = "put it in quotes, or write `prompt: |` and the text on the lines below";
                (Diagnostic::new(what).help(help), at)
            }
            None => {
                let help = "add `prompt:` or `prompt-file:`";
                (Diagnostic::new(format!("job {job} has no prompt")).help(help), id.span)
            }
        }
    }

    pub(super) fn file(&self, key: &str, named: &Located<String>) -> Result<Arc<Document>, NoFile> {
        if named.contains("${{") {
            let finding = Diagnostic::new(format!("`{key}` takes no expression"))
                .help(match key {
                    "prompt-file" => "write the file's name out: the text in it takes `${{ … }}`",
                    _ => "write the file's name out",
                })
                .at(self.document, named.span);
            return Err(NoFile { finding, is_misnamed: true });
        }
        let read = files::confine(self.folder, named).and_then(|path| files::read_text(&path));
        read.map(|text| Arc::new(Document::new(named.as_str(), text))).map_err(|error| {
            let finding = Diagnostic::new(format!("`{key}`: {} {}", quoted(named), error.what));
            let finding = match error.help {
                Some(help) => finding.help(help),
                None if named.contains('\\') => {
                    finding.help(format!("write {}", quoted(&named.replace('\\', "/"))))
                }
                None if named.contains('*') => {
                    finding.help("a pattern is no file: a job has one prompt, so give each file its own job")
                }
                None => finding.help(format!("it is looked for in {}", folder_name(self.folder))),
            };
            NoFile { finding: finding.at(self.document, named.span), is_misnamed: error.is_misnamed }
        })
    }
}

fn folder_name(folder: &Path) -> String {
    if folder.as_os_str().is_empty() {
        "the current folder".to_owned()
    } else {
        quoted(&folder.display().to_string())
    }
}
