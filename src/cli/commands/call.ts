/** `tollgate call`: what a call would cost, which are up, and why one costs what it costs. */
import type { Command } from 'commander'
import { z } from 'zod'
import * as answers from '../answers.ts'
import { callId, id, instantText, oneOf, whole } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../context.ts'
import { duration, fields, instant, money, printable, section, table } from '../text.ts'

const direction = oneOf('outbound', 'inbound')

export function addCallCommands(program: Command, cli: Cli): void {
  const call = program.command('call').description('Calls: prices, decisions, and those that are up.')
  addQuote(call, cli)
  addAuthorize(call, cli)
  call
    .command('list')
    .description('Calls that are up.')
    .option('--account <account>', 'only those it or an account below it pays for', id)
    .option('--state <state>', 'authorized, answered or ending', oneOf('authorized', 'answered', 'ending'))
    .option('--node <node>', 'only those of one edge')
    .option('--limit <n>', 'at most so many', whole(1, 1_000_000), 100)
    .action((options: ListOptions) => list(cli, options))
  call
    .command('show')
    .description('One call, and why it costs what it costs.')
    .argument('<call>', "the daemon's id of the call", callId)
    .action((name: string) => show(cli, name))
  call
    .command('end')
    .description('Ends a call now, through its edge.')
    .argument('<call>', "the daemon's id of the call", callId)
    .option('--reason <text>', 'for its history')
    .action((name: string, options: { readonly reason?: string }) => end(cli, name, options))
}

interface QuoteOptions {
  readonly from: string
  readonly direction: string
  readonly seconds?: number
  readonly at?: string
}

function addQuote(call: Command, cli: Cli): void {
  call
    .command('quote')
    .description('What a call would cost and who would pay. Changes nothing.')
    .argument('<account>', 'who pays', id)
    .argument('<to>', 'called number')
    .option('--from <number>', 'calling number', '')
    .option('--direction <direction>', 'outbound or inbound', direction, 'outbound')
    .option('--seconds <n>', 'length of the call; none is the first slice', whole(0, 86_400))
    .option('--at <instant>', 'when it begins; none is now', instantText)
    .action((account: string, to: string, options: QuoteOptions) => quote(cli, { account, to, ...options }))
}

type Quote = z.output<typeof answers.quote>
type Denied = z.output<typeof answers.denied>

async function quote(cli: Cli, body: QuoteOptions & { readonly account: string; readonly to: string }): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.post('/v1/quotes', z.union([answers.denied, answers.quote]), { body })
  if (isDenied(value)) return refuse(cli, value, raw)
  cli.print(raw, () => quoteText(value, cli))
}

function isDenied(answer: Denied | Readonly<Record<string, unknown>>): answer is Denied {
  return answer['allow'] === false
}

/** A refused call is an answer: it is shown as one, and the exit code says what it is. */
function refuse(cli: Cli, denied: Denied, raw: unknown): void {
  cli.endWith(exitCodes.refused)
  cli.print(raw, () =>
    fields([
      ['decision', 'denied'],
      ['code', denied.code],
      ['because', denied.detail],
      ['SIP', `${denied.sipCode} ${denied.sipReason}`],
    ]),
  )
}

function quoteText({ price, currency, billedSeconds, rate, maxSeconds, funding }: Quote, cli: Cli): string {
  const head = fields([
    ['price', money(price, currency)],
    ['billed', duration(billedSeconds)],
    ['could last', duration(maxSeconds)],
    ['rate', rate && `${money(rate.perMinute)} a minute, ${rate.increments} s`],
    ['connect fee', rate && Number(rate.connectFee) > 0 ? money(rate.connectFee, currency) : undefined],
    ['prefix', rate && `${rate.prefix} ${rate.destination}`.trim()],
    ['tariff', rate && `${rate.tariff} version ${rate.version}`],
  ])
  const paid = table(
    funding,
    [
      { title: 'PAID BY', cell: (part) => part.source },
      { title: 'ID', cell: (part) => part.id },
      { title: 'SECONDS', cell: (part) => part.seconds, right: true },
      { title: 'AMOUNT', cell: (part) => money(part.amount, currency), right: true },
    ],
    cli.context,
  )
  return funding.length > 0 ? `${head}\n\n${paid}` : head
}

interface AuthorizeOptions {
  readonly from: string
  readonly direction: string
  readonly callId?: string
  readonly node?: string
  readonly legId?: string
  readonly user?: string
  readonly mode?: string
  readonly requestSeconds?: number
}

function addAuthorize(call: Command, cli: Cli): void {
  call
    .command('authorize')
    .description('Asks as an edge does: what is allowed is put aside until the call is heard of or given up.')
    .argument('<account>', 'who pays', id)
    .argument('<to>', 'called number')
    .option('--from <number>', 'calling number', '')
    .option('--direction <direction>', 'outbound or inbound', direction, 'outbound')
    .option('--call-id <text>', 'Call-ID of the edge; none makes one')
    .option('--leg-id <text>', 'leg of the call')
    .option('--node <node>', 'the edge')
    .option('--user <text>', 'user of the account')
    .option('--mode <mode>', 'clock, edge or whole', oneOf('clock', 'edge', 'whole'))
    .option('--request-seconds <n>', 'seconds that are asked for', whole(1, 86_400))
    .action((account: string, to: string, options: AuthorizeOptions) => authorize(cli, { account, to, ...options }))
}

async function authorize(
  cli: Cli,
  asked: AuthorizeOptions & { readonly account: string; readonly to: string },
): Promise<void> {
  const api = await cli.api()
  const body = { callId: `cli-${cli.context.ids()}`, ...asked }
  const answer = await api.post('/v1/calls/authorize', z.union([answers.denied, answers.allowed]), { body })
  const { value, raw } = answer
  if (isDenied(value)) return refuse(cli, value, raw)
  cli.print({ ...(raw as object), callId: body.callId }, () =>
    fields([
      ['decision', 'allowed'],
      ['call', value.call],
      ['Call-ID', body.callId],
      ['account', value.account],
      ['may last', duration(value.maxDurationSeconds)],
      ['reserved', `${duration(value.reservedSeconds) ?? ''}, ${money(value.reserved, value.currency) ?? ''}`],
      ['paid by', value.fundedBy],
      ['more after that', value.final ? 'no' : 'yes'],
    ]),
  )
}

interface ListOptions {
  readonly account?: string
  readonly state?: string
  readonly node?: string
  readonly limit: number
}

async function list(cli: Cli, { limit, ...query }: ListOptions): Promise<void> {
  const api = await cli.api()
  const found = await api.list('/v1/calls', answers.pageOf(answers.call), { query, limit })
  cli.printList({ ...found, none: 'No calls.' }, [
    { title: 'CALL', cell: (row) => row.call },
    { title: 'STATE', cell: (row) => row.state },
    { title: 'ACCOUNT', cell: (row) => row.account },
    { title: 'DIRECTION', cell: (row) => row.direction },
    { title: 'FROM', cell: (row) => row.from },
    { title: 'TO', cell: (row) => row.to },
    { title: 'SINCE', cell: (row) => instant(row.answeredAt ?? row.authorizedAt) },
    { title: 'GRANTED', cell: (row) => duration(row.grantedSeconds), right: true },
    { title: 'RESERVED', cell: (row) => money(row.reserved, row.currency), right: true },
    { title: 'NODE', cell: (row) => row.node },
  ])
}

async function show(cli: Cli, name: string): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.get(`/v1/calls/${name}`, answers.callView)
  cli.print(raw, () => {
    const history = table(
      value.history,
      [
        { title: 'AT', cell: (step) => instant(step.at) },
        { title: 'WHAT', cell: (step) => step.what },
      ],
      cli.context,
    )
    const why = explanationText(value.explanation)
    return [callText(value), ...(why === '' ? [] : [section('Why', why)]), section('History', history)].join('\n')
  })
}

async function end(cli: Cli, name: string, options: { readonly reason?: string }): Promise<void> {
  const api = await cli.api()
  const { value, raw } = await api.post(`/v1/calls/${name}/end`, answers.call, { body: options })
  cli.print(raw, () => callText(value))
}

function callText(call: z.output<typeof answers.call>): string {
  const { currency } = call
  return fields([
    ['call', call.call],
    ['state', call.state],
    ['account', call.account],
    ['direction', call.direction],
    ['from', call.from],
    ['to', call.to],
    ['edge', call.node],
    ['Call-ID', call.callId],
    ['authorized', instant(call.authorizedAt)],
    ['answered', instant(call.answeredAt)],
    ['ended', instant(call.endedAt)],
    ['talked', duration(call.seconds)],
    ['billed', duration(call.billedSeconds)],
    ['charge', money(call.charge, currency)],
    ['granted', duration(call.grantedSeconds)],
    ['reserved', money(call.reserved, currency)],
    ['paid by', call.fundedBy],
    ['cause', call.cause],
  ])
}

/** Whatever the daemon explains, as an outline. */
function explanationText(value: unknown, indent = ''): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'object') return `${indent}${printable(JSON.stringify(value))}`
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((entry: unknown) => ['-', entry] as const)
    : Object.entries(value).filter(([name]) => name !== 'history')
  return entries
    .map(([name, entry]) => {
      const title = name === '-' ? '-' : `${printable(name)}:`
      if (typeof entry !== 'object' || entry === null) return `${indent}${title} ${printable(String(entry))}`
      return `${indent}${title}\n${explanationText(entry, `${indent}  `)}`
    })
    .join('\n')
}
