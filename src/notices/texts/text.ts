/** What a notice says, before it is set as plain text and HTML. */
import type { NoticeFacts } from '../notice.ts'
import type { Words } from '../words.ts'

export interface Text {
  readonly subject: string
  /** Paragraphs. */
  readonly lines: readonly string[]
  /** Figures below them. */
  readonly rows?: readonly (readonly [label: string, value: string])[]
}

/** Everything that one language says. */
export interface NoticeTexts {
  /** Of the account: its name and id. */
  readonly account: (name: string, id: string) => readonly [label: string, value: string]
  /** Why the reader has this mail. */
  readonly footer: string
  readonly texts: { readonly [Kind in keyof NoticeFacts]: (facts: NoticeFacts[Kind], words: Words) => Text }
}
