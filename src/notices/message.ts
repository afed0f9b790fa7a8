/** Sets what a notice says as plain text and as HTML. */
import type { AccountProfile } from '../accounts/account.ts'
import type { Language } from '../accounts/contacts.ts'
import type { Mail } from './mail.ts'
import type { Notice, NoticeFacts, NoticeKind } from './notice.ts'
import { de } from './texts/de.ts'
import { en } from './texts/en.ts'
import type { NoticeTexts, Text } from './texts/text.ts'
import { Words } from './words.ts'

const texts: Readonly<Record<Language, NoticeTexts>> = { en, de }

const MAX_SUBJECT = 200

export type Message = Pick<Mail, 'subject' | 'text' | 'html'>

/** In the account's own language and zone; `language` is for accounts without one. */
export function messageOf(notice: Notice, profile: AccountProfile, language: Language): Message {
  const chosen = profile.language ?? language
  const said = texts[chosen]
  const text = saidOf(notice, said, new Words(chosen, profile.timezone))
  const rows = [said.account(profile.name, profile.id), ...(text.rows ?? [])]
  const whole = { ...text, rows, footer: said.footer }
  return { subject: shortened(oneLine(text.subject)), text: plain(whole), html: html(whole, chosen) }
}

function saidOf<Kind extends NoticeKind>(
  { kind, facts }: { readonly kind: Kind; readonly facts: NoticeFacts[Kind] },
  said: NoticeTexts,
  words: Words,
): Text {
  return said.texts[kind](facts, words)
}

type Whole = Required<Text> & { readonly footer: string }

function plain({ lines, rows, footer }: Whole): string {
  const figures = rows.map(([label, value]) => `${label}: ${oneLine(value)}`).join('\n')
  return `${[...lines, figures, `--\n${footer}`].join('\n\n')}\n`
}

function html({ subject, lines, rows, footer }: Whole, language: Language): string {
  const figures = rows.map(
    ([label, value]) => `<tr><th align="left">${escaped(label)}</th><td>${escaped(oneLine(value))}</td></tr>`,
  )
  return [
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${escaped(oneLine(subject))}</title></head><body>`,
    ...lines.map((line) => `<p>${escaped(line)}</p>`),
    `<table cellpadding="4">${figures.join('')}</table>`,
    `<p><small>${escaped(footer)}</small></p>`,
    '</body></html>',
  ].join('\n')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

/** Names may hold anything; a line break would begin another header or another figure. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

function shortened(text: string): string {
  return [...text].slice(0, MAX_SUBJECT).join('')
}
