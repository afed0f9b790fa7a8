/** Reads the Lua scripts, pastes their includes, and gives each a name that changes with its text. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { invariant } from '../base/fault.ts'

const FOLDER = new URL('./lua/', import.meta.url)
const INCLUDE = /^--- @include (\w+)$/gm

export interface Script {
  readonly name: string
  readonly source: string
  readonly sha1: string
}

/**
 * A script's whole text. Each starts with `#!lua`, so Redis refuses undeclared keys on a cluster; `allow-oom` is given
 * to the verbs that free what calls hold.
 */
export function readScript(name: string): Script {
  const text = readFileSync(new URL(`${name}.lua`, FOLDER), 'utf8')
  invariant(text.startsWith('#!lua'), `${name}.lua does not start with #!lua`)
  const source = text.replace(INCLUDE, (_line, noun: string) =>
    readFileSync(new URL(`lib/${noun}.lua`, FOLDER), 'utf8').trimEnd(),
  )
  return { name, source, sha1: createHash('sha1').update(source).digest('hex') }
}
