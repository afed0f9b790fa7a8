/** Errors as callers see them: RFC 9457 problem details with a code and the fields at fault. */
import { type FieldCode, type ProblemCode, problemKinds } from './problem-codes.ts'

export interface FieldProblem {
  /** JSON Pointer: into the body, or where `in` says. */
  readonly pointer: string
  readonly message: string
  readonly code: FieldCode
  readonly in?: 'query' | 'path' | 'header'
}

export interface ProblemExtras {
  readonly errors?: readonly FieldProblem[]
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, string | number>>
  readonly cause?: unknown
}

export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly code: ProblemCode
  readonly errors?: readonly FieldProblem[]
  readonly [member: string]: unknown
}

export const PROBLEM_TYPE = 'application/problem+json'

/** Seconds after which a request that met a passing fault may be sent again. */
export const RETRY_AFTER_SECONDS = 1

/** Thrown by handlers; the server's error handler answers with it. */
export class HttpProblem extends Error {
  readonly code: ProblemCode
  readonly detail: string
  readonly extras: ProblemExtras

  constructor(code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    super(detail, { cause: extras.cause })
    this.name = 'HttpProblem'
    this.code = code
    this.detail = detail
    this.extras = extras
  }

  get status(): number {
    return problemKinds[this.code].status
  }

  headers(): Readonly<Record<string, string>> {
    const headers = { ...this.extras.headers }
    return this.status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS), ...headers } : headers
  }

  /** `instance` is the path that was asked for. */
  body(instance: string): ProblemBody {
    const { errors, members } = this.extras
    const { status, title } = problemKinds[this.code]
    return {
      type: `urn:tollgate:problem:${this.code}`,
      title,
      status,
      detail: this.detail,
      instance,
      code: this.code,
      ...(errors ? { errors } : {}),
      ...members,
    }
  }
}

export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
