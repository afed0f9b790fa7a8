/**
 * The text protocol of the call_control module of Kamailio and OpenSIPS: a command line, `name: value` lines, an empty
 * line; the answer is one line. OpenSIPS sends more lines and knows two more answers.
 */

export const MAX_REQUEST_BYTES = 8_192
const MAX_LINES = 64

export type Command = 'init' | 'start' | 'stop'

export interface CallControlRequest {
  readonly command: Command
  readonly fields: ReadonlyMap<string, string>
}

/** What `call_control()` understands. Anything else, such as `Error`, is its return code -5: no decision. */
export type CallControlAnswer =
  'Limited' | 'No credit' | 'Locked' | 'Duplicated callid' | 'Call limit reached' | 'Ok' | 'Not found' | 'Error'

export interface Taken {
  /** Undefined when the bytes until `rest` are no request. */
  readonly request: CallControlRequest | undefined
  readonly rest: Buffer
}

/** The first whole request of what was received; undefined while its end is missing. */
export function takeRequest(received: Buffer): Taken | undefined {
  const end = /\r?\n\r?\n/.exec(received.toString('latin1'))
  if (!end) return undefined
  const text = received.subarray(0, end.index).toString('utf8')
  return { request: parseRequest(text), rest: received.subarray(end.index + end[0].length) }
}

function parseRequest(text: string): CallControlRequest | undefined {
  // A header value that was folded in the SIP message arrives folded.
  const [command, ...lines] = text.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)
  if (!isCommand(command) || lines.length > MAX_LINES) return undefined
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1) return undefined
    fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return fields.get('callid') ? { command, fields } : undefined
}

function isCommand(word: string | undefined): word is Command {
  return word === 'init' || word === 'start' || word === 'stop'
}

/** The number of a SIP URI, `user@host` or From header: what stands before the @, without parameters. */
export function userOf(address: string): string {
  // A display name may hold anything, angle brackets too.
  const bare = address.replace(/"(?:[^"\\]|\\.)*"/g, '')
  const uri = /<([^>]*)>/.exec(bare)?.[1] ?? bare
  const user = uri.replace(/^(sips?|tel):/i, '').split(/[@;?]/)[0] ?? ''
  return decoded(user.split(':')[0] ?? '')
}

function decoded(user: string): string {
  try {
    return decodeURIComponent(user)
  } catch {
    return user
  }
}

/** The edge's reference of a dialog. The module prints both unsigned numbers as signed ones. */
export function dialogOf(value: string | undefined): { readonly hEntry: number; readonly hId: number } | undefined {
  const match = /^(-?\d{1,10}):(-?\d{1,10})$/.exec(value ?? '')
  if (!match) return undefined
  return { hEntry: Number(match[1]) >>> 0, hId: Number(match[2]) >>> 0 }
}

const moneyCodes = new Set(['no_credit', 'no_minutes', 'spend_cap', 'price_cap'])
const limitCodes = new Set(['trunk_limit', 'call_limit', 'insufficient_ports'])

/**
 * The answer that comes nearest to a refusal. Kamailio knows two: credit, and "locked" for all others; OpenSIPS, known
 * by the `call_limit` line of its request, tells repeats and limits apart.
 */
export function refusalLine(code: string, request: CallControlRequest): CallControlAnswer {
  if (code === 'engine_unavailable') return 'Error'
  if (moneyCodes.has(code)) return 'No credit'
  if (!request.fields.has('call_limit')) return 'Locked'
  if (code === 'gone') return 'Duplicated callid'
  return limitCodes.has(code) ? 'Call limit reached' : 'Locked'
}
