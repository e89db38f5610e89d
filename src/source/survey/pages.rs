//! Answers that come in pages: all of them, or why they are not known. A part of them is no answer.

use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::context::ReadCall;
use crate::settings::*;
use crate::source::aws::OperationError;

/// Pages of one answer that are read at most: more than any account has, and an end for one that never ends.
const PAGES: usize = 1000;

/// Where the next page is.
#[derive(Default)]
pub(super) enum NextPage {
    #[default]
    End,
    At(String),
    /// There is one, and no way to it was told.
    Untold,
    /// This was no page: it has no such list.
    Without(&'static str),
}

impl NextPage {
    pub(super) fn at(token: Option<&str>) -> Self {
        token.filter(|it| !it.is_empty()).map_or(Self::End, |it| Self::At(it.to_owned()))
    }

    /// For answers that tell apart whether they go on and where.
    pub(super) fn if_truncated(goes_on: Option<bool>, token: Option<&str>) -> Self {
        match (goes_on, Self::at(token)) {
            (Some(true), Self::End) => Self::Untold,
            (Some(true), it) => it,
            _ => Self::End,
        }
    }
}

/// The pages of one answer, counted.
#[derive(Default)]
struct PageCount {
    read: usize,
    token: Option<String>,
}

impl PageCount {
    /// Whether there is a next page, which `token` then names.
    fn next(&mut self, api: &str, told: NextPage) -> Result<bool, Unread> {
        self.read += 1;
        let read = self.read;
        let why = match told {
            NextPage::End => return Ok(false),
            NextPage::At(it) if self.token.as_ref() == Some(&it) => {
                format!("{api} does not go on: page {read} names itself as the next")
            }
            NextPage::At(_) if read >= PAGES => {
                format!("{api} has more than {read} pages, and the rest was not read")
            }
            NextPage::At(it) => {
                self.token = Some(it);
                return Ok(true);
            }
            NextPage::Untold => format!("{api} goes on behind page {read} and does not say where"),
            NextPage::Without(list) => {
                let why = format!("{api} answered without {list}");
                return Err(Reason::NotUnderstood.because(why));
            }
        };
        Err(Reason::PartialPage.because(why))
    }
}

/// Asks a question page by page: the call, the question without its token, the list in its answer, and what is made of one item.
/// IAM has markers in place of tokens.
macro_rules! listed {
    ($call:expr, $ask:expr, marked $list:ident, $item:expr) => {
        $call
            .paged(
                async |token| $ask.set_marker(token).send().await,
                |page| {
                    let next = NextPage::if_truncated(Some(page.is_truncated()), page.marker());
                    (page.$list().iter().map($item).collect(), next)
                },
            )
            .await
    };
    ($call:expr, $ask:expr, $list:ident, $item:expr) => {
        $call
            .paged(
                async |token| $ask.set_next_token(token).send().await,
                |page| (page.$list().iter().map($item).collect(), NextPage::at(page.next_token())),
            )
            .await
    };
}
pub(super) use listed;

impl ReadCall<'_> {
    /// Keeps all pages of an answer, or why they are not known. `take` tells the items of one and where the next is.
    pub(super) async fn paged<T, O: RequestId, E: OperationError>(
        self,
        mut ask: impl AsyncFnMut(Option<String>) -> Result<O, SdkError<E, HttpResponse>>,
        mut take: impl FnMut(O) -> (Vec<T>, NextPage),
    ) -> Read<Vec<T>> {
        let (mut all, mut pages) = (Vec::new(), PageCount::default());
        loop {
            let mut goes_on = false;
            let page =
                self.read(ask(pages.token.clone()).await, &mut take).and_then(|(some, next)| {
                    all.extend(some);
                    goes_on = pages.next(self.api, next)?;
                    Ok(())
                });
            if page.known().is_err() || !goes_on {
                return page.and_then(|()| Ok(all));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_not_read_makes_the_answer_unread() {
        let why = |it: Result<bool, Unread>| it.map_err(|it| (it.reason, it.why));
        let mut pages = PageCount::default();
        assert_eq!(why(pages.next("a:B", NextPage::at(Some("x")))), Ok(true));
        assert_eq!(
            why(pages.next("a:B", NextPage::at(Some("")))),
            Ok(false),
            "an empty token is none"
        );
        let itself = why(pages.next("a:B", NextPage::at(Some("x")))).unwrap_err();
        assert_eq!(itself.0, Reason::PartialPage);
        assert_eq!(itself.1, "a:B does not go on: page 3 names itself as the next");
        let untold = why(pages.next("a:B", NextPage::if_truncated(Some(true), None))).unwrap_err();
        assert_eq!(untold.1, "a:B goes on behind page 4 and does not say where");
        assert_eq!(
            why(pages.next("a:B", NextPage::if_truncated(Some(false), Some("y")))),
            Ok(false)
        );
        let mut endless = PageCount::default();
        let end = (0..).find_map(|nth: u32| {
            why(endless.next("a:B", NextPage::at(Some(&nth.to_string())))).err()
        });
        assert_eq!(end.unwrap().1, "a:B has more than 1000 pages, and the rest was not read");
    }
}
