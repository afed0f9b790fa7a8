/** YAML 1.2 to raw text values, with the line and column of each key and value. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Document, parseDocument, Scalar } from 'yaml'
import { isRawList, isRawMap, PlainText, type Raw } from './fit.ts'
import type { ConfigPath, ConfigProblem } from './problems.ts'

/** Where something stands; a value from the environment names its variable instead of a path. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly variable?: string
}

/** Where keys and values stand. Answers with the nearest place above when a value is missing. */
export class Places {
  readonly #file: string
  readonly #keys = new Map<string, Place>()
  readonly #values = new Map<string, Place>()

  constructor(file: string) {
    this.#file = file
  }

  setKey(path: ConfigPath, place: Place): void {
    this.#keys.set(nameOf(path), place)
  }

  setValue(path: ConfigPath, place: Place): void {
    this.#values.set(nameOf(path), place)
  }

  /** What stood under this path stands elsewhere now. */
  replace(path: ConfigPath, place: Place): void {
    const above = nameOf(path).slice(0, -1)
    for (const known of [...this.#values.keys()]) {
      if (known.startsWith(`${above},`)) this.#values.delete(known)
    }
    for (const known of [...this.#keys.keys()]) {
      if (known.startsWith(`${above},`)) this.#keys.delete(known)
    }
    this.setKey(path, place)
    this.setValue(path, place)
  }

  ofKey(path: ConfigPath): Place {
    return this.#keys.get(nameOf(path)) ?? this.ofValue(path)
  }

  ofValue(path: ConfigPath): Place {
    for (let length = path.length; length >= 0; length -= 1) {
      const place = this.#values.get(nameOf(path.slice(0, length)))
      if (place) return place
    }
    return { file: this.#file, line: 1, column: 1 }
  }
}

function nameOf(path: ConfigPath): string {
  return JSON.stringify(path)
}

export interface RawDocument {
  readonly file: string
  /** An empty file is an empty map. */
  readonly value: Raw
  readonly places: Places
}

export type YamlRead =
  | { readonly kind: 'read'; readonly document: RawDocument }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

/** Deeper nesting and more entries than any honest file has. */
const MAX_DEPTH = 20
const MAX_NODES = 2_000_000

export function readYaml(file: string, text: string): YamlRead {
  const lineCounter = new LineCounter()
  // Without the failsafe schema 0044 and 12.50 would be numbers here, and lose a zero.
  const document = parseDocument(text, { schema: 'failsafe', version: '1.2', lineCounter, prettyErrors: false })
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    const problems = faults.map(({ pos, message }) => ({ file, ...placeAt(lineCounter, pos[0]), path: '', message }))
    return { kind: 'invalid', problems }
  }
  const places = new Places(file)
  const walk = new Walk({ file, document, lineCounter, places })
  const value = document.contents ? walk.read(document.contents, []) : {}
  if (walk.problems.length > 0) return { kind: 'invalid', problems: walk.problems }
  return {
    kind: 'read',
    document: { file, value: isRawMap(value) || isRawList(value) ? value : emptyOr(value), places },
  }
}

/** A file of comments only, or "~", is an empty map; any other lone word is refused by the schema. */
function emptyOr(value: Raw): Raw {
  return value instanceof PlainText && (value.text === '' || value.text === '~') ? {} : value
}

function placeAt(lineCounter: LineCounter, offset: number): { readonly line: number; readonly column: number } {
  const { line, col } = lineCounter.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

interface WalkedFile {
  readonly file: string
  readonly document: Document
  readonly lineCounter: LineCounter
  readonly places: Places
}

class Walk {
  readonly problems: ConfigProblem[] = []
  readonly #walked: WalkedFile
  #nodes = 0

  constructor(walked: WalkedFile) {
    this.#walked = walked
  }

  read(node: Node, path: ConfigPath): Raw {
    this.#nodes += 1
    this.#walked.places.setValue(path, this.#placeOf(node))
    if (path.length > MAX_DEPTH || this.#nodes > MAX_NODES)
      return this.#refuse(node, 'the file is nested too deep or too large')
    if (isAlias(node)) return this.#readAlias(node, path)
    if (isSeq(node)) return node.items.map((item, at) => this.read(item as Node, [...path, at]))
    if (isMap(node)) return this.#readMap(node, path)
    if (isScalar(node)) return readScalar(node)
    return this.#refuse(node, 'must be text, a list or keys with values')
  }

  #readAlias(node: Node & { readonly source: string }, path: ConfigPath): Raw {
    const target = isAlias(node) ? node.resolve(this.#walked.document) : undefined
    return target ? this.read(target, path) : this.#refuse(node, `there is no anchor &${node.source}`)
  }

  #readMap(node: Node & { readonly items: readonly unknown[] }, path: ConfigPath): Raw {
    if (!isMap(node)) return {}
    const entries = node.items.map(({ key, value }): [string, Raw] => {
      const name = isScalar(key) ? String(key.value) : ''
      if (!isScalar(key)) this.#refuse(node, 'a key must be text')
      else this.#walked.places.setKey([...path, name], this.#placeOf(key))
      return [name, value === null ? new PlainText('') : this.read(value as Node, [...path, name])]
    })
    return Object.fromEntries(entries)
  }

  #placeOf(node: Node): Place {
    return { file: this.#walked.file, ...placeAt(this.#walked.lineCounter, node.range?.[0] ?? 0) }
  }

  #refuse(node: Node, message: string): Raw {
    if (this.problems.length === 0) this.problems.push({ ...this.#placeOf(node), path: '', message })
    return {}
  }
}

function readScalar(node: Scalar): Raw {
  // The failsafe schema makes every scalar a string.
  const text = typeof node.value === 'string' ? node.value : ''
  return node.type === Scalar.PLAIN || node.type === undefined ? new PlainText(text) : text
}
