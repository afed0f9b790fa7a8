/**
 * The codes of everything that is not answered as asked, each with its HTTP status and title. Refused calls are not
 * here: they are answered with 200 and a decision. docs/codes.md lists both.
 */
import type { OfficeRefusalCode } from '../../accounts/office.ts'
import type { PaymentRefusalCode } from '../../payments/refusal.ts'
import type { FaultCode } from '../../base/fault.ts'
import type { ExportRefusalCode } from '../../exports/export-desk.ts'
import type { ReceiptRefusalCode } from '../../notices/receipt-desk.ts'
import type { StorageRefusalCode } from '../../storage-fee/storage-desk.ts'

export interface ProblemKind {
  readonly status: number
  readonly title: string
}

const requestProblems = {
  malformed_body: { status: 400, title: 'The body cannot be read' },
  invalid_input: { status: 400, title: 'Some of the input is not valid' },
  idempotency_key_missing: { status: 400, title: 'The Idempotency-Key header is missing' },
  signature_invalid: { status: 400, title: 'The signature is not valid' },
  malformed_request: { status: 400, title: 'The request is not HTTP as it should be' },
  key_missing: { status: 401, title: 'An API key is needed' },
  key_unknown: { status: 401, title: 'The API key is not valid' },
  scope_missing: { status: 403, title: 'The API key lacks a scope' },
  key_restricted: { status: 403, title: 'The API key is for one account only' },
  not_found: { status: 404, title: 'There is nothing here' },
  call_unknown: { status: 404, title: 'There is no such call' },
  tariff_unknown: { status: 404, title: 'There is no such tariff version' },
  webhook_unknown: { status: 404, title: 'There is no such webhook' },
  job_unknown: { status: 404, title: 'There is no such job' },
  key_id_unknown: { status: 404, title: 'There is no such API key' },
  method_not_allowed: { status: 405, title: 'This cannot be done here' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  too_many_webhooks: { status: 409, title: 'There are too many webhooks' },
  range_unsatisfiable: { status: 416, title: 'The file has no such range' },
  body_too_large: { status: 413, title: 'The body is too large' },
  media_type_unsupported: { status: 415, title: 'The body has a type that is not read here' },
  guard_rails: { status: 409, title: 'The tariff version looks like a mistake' },
  tariff_invalid: { status: 422, title: 'The tariff is not valid' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  too_many_streams: { status: 503, title: 'Too many listen to events' },
  internal_error: { status: 500, title: 'Something broke' },
} as const satisfies Readonly<Record<string, ProblemKind>>

const officeProblems: Readonly<Record<OfficeRefusalCode, ProblemKind>> = {
  account_unknown: { status: 404, title: 'There is no such account' },
  account_exists: { status: 409, title: 'The account exists' },
  account_closed: { status: 409, title: 'The account is closed' },
  parent_unknown: { status: 422, title: 'There is no such parent account' },
  chain_too_deep: { status: 422, title: 'There are too many accounts above this one' },
  currency_mismatch: { status: 422, title: 'An account has the currency of its parent' },
  root_is_fixed: { status: 409, title: 'The account can no longer move to another tree' },
  currency_is_fixed: { status: 409, title: 'The currency can no longer change' },
  pool_unknown: { status: 404, title: 'There is no such pool' },
  bundles_unknown: { status: 404, title: 'There are no such bundles that recur' },
  amount_below_minimum: { status: 422, title: 'The amount is below the minimum' },
  amount_too_large: { status: 422, title: 'The amount is too large' },
  insufficient_credit: { status: 422, title: 'There is not enough credit' },
  request_conflict: { status: 409, title: 'The same request came before with other content' },
  version_conflict: { status: 409, title: 'The account was changed meanwhile' },
}

const paymentProblems: Readonly<Record<Exclude<PaymentRefusalCode, OfficeRefusalCode>, ProblemKind>> = {
  card_unknown: { status: 404, title: 'There is no such card on file' },
  order_unknown: { status: 404, title: 'There is no such order' },
  payment_unknown: { status: 404, title: 'There is no such payment' },
  card_missing: { status: 422, title: 'There is no card on file' },
  card_refused: { status: 422, title: 'The card cannot be put on file' },
  too_many_cards: { status: 422, title: 'There are too many cards on file' },
  minutes_unavailable: { status: 422, title: 'Minutes are not sold in this currency' },
  too_many_bundles: { status: 409, title: 'Too many purchases recur' },
  amount_not_payable: { status: 422, title: 'The amount cannot be charged exactly' },
  payment_not_refundable: { status: 409, title: 'The payment cannot be paid back' },
  refund_too_large: { status: 422, title: 'There is not so much left to pay back' },
  minutes_used: { status: 409, title: 'The minutes were used, or their cycle is over' },
  recharge_unset: { status: 409, title: 'The account has no recharge that is on' },
  recharge_paused: { status: 409, title: 'The recharge is paused' },
  recharge_not_due: { status: 409, title: 'The recharge is not due' },
  recharge_in_flight: { status: 409, title: 'A recharge is under way' },
  recharge_capped: { status: 409, title: 'The recharges reach their cap' },
  renewal_not_due: { status: 409, title: 'No bundles are to be bought again now' },
  renewal_in_flight: { status: 409, title: 'A renewal is under way' },
}

const receiptProblems: Readonly<Record<ReceiptRefusalCode, ProblemKind>> = {
  account_unknown: officeProblems.account_unknown,
  receipt_unknown: { status: 404, title: 'There is no such receipt' },
  recipient_unknown: { status: 422, title: 'Nobody is known who would read it' },
  mail_off: { status: 409, title: 'No mail is set up' },
  mail_refused: { status: 422, title: 'The mail server does not take it' },
  mail_held_back: { status: 429, title: 'The account was sent much mail lately' },
}

const exportProblems: Readonly<Record<ExportRefusalCode, ProblemKind>> = {
  export_unknown: { status: 404, title: 'There is no such export' },
  export_unfinished: { status: 409, title: 'The export has no file yet' },
  too_many_exports: { status: 409, title: 'The account has too many exports' },
  export_elsewhere: { status: 503, title: 'The file is not here' },
}

const storageProblems: Readonly<Record<StorageRefusalCode, ProblemKind>> = {
  account_unknown: officeProblems.account_unknown,
  storage_billed: { status: 409, title: 'The month was billed' },
  storage_day_invalid: { status: 422, title: 'The day cannot be reported' },
}

/** Faults that may pass by themselves; the others are answered as `internal_error`. */
const faultProblems = {
  store_unavailable: { status: 503, title: 'The store cannot be reached' },
  store_timeout: { status: 503, title: 'The store did not answer in time' },
  store_overloaded: { status: 503, title: 'The store has too much to do' },
  archive_unavailable: { status: 503, title: 'The archive cannot be reached' },
  edge_unreachable: { status: 503, title: 'An edge cannot be reached' },
} as const satisfies Partial<Readonly<Record<FaultCode, ProblemKind>>>

export type ProblemCode =
  | keyof typeof requestProblems
  | OfficeRefusalCode
  | PaymentRefusalCode
  | ReceiptRefusalCode
  | ExportRefusalCode
  | StorageRefusalCode
  | keyof typeof faultProblems

export const problemKinds: Readonly<Record<ProblemCode, ProblemKind>> = {
  ...requestProblems,
  ...officeProblems,
  ...paymentProblems,
  ...receiptProblems,
  ...exportProblems,
  ...storageProblems,
  ...faultProblems,
}

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problemKinds, code)
}

/** What can be wrong with one field. */
export const fieldCodes = ['required', 'unknown_field', 'type', 'range', 'format', 'value', 'syntax', 'depth'] as const

export type FieldCode = (typeof fieldCodes)[number]
