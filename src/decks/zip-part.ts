/** The parts of a workbook, each read as a stream of XML and never larger than told. */
import type { Readable } from 'node:stream'
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { SheetFault } from './sheet.ts'

const MAX_PARTS = 2_000

/** A sheet of a million rows is a quarter of this; what is larger is meant to fill memory. */
const MAX_PART_BYTES = 4 * 2 ** 30

/** The longest text of a cell is 32,767 characters; one that does not end is meant to fill memory. */
const MAX_TEXT_BYTES = 2 ** 20

export class Package {
  readonly #zip: ZipFile
  readonly #parts: ReadonlyMap<string, Entry>

  constructor(zip: ZipFile, parts: ReadonlyMap<string, Entry>) {
    this.#zip = zip
    this.#parts = parts
  }

  has(name: string): boolean {
    return this.#parts.has(name)
  }

  /** Unpacked; 0 when there is no such part. */
  sizeOf(name: string): number {
    return this.#parts.get(name)?.uncompressedSize ?? 0
  }

  async open(name: string): Promise<Readable> {
    const entry = this.#parts.get(name)
    if (!entry) throw new SheetFault(`the workbook has no ${name}`)
    if (entry.uncompressedSize > MAX_PART_BYTES) throw new SheetFault(`${name} is larger than ${MAX_PART_BYTES} bytes`)
    return await this.#zip.openReadStreamPromise(entry)
  }

  close(): void {
    this.#zip.close()
  }
}

export async function openPackage(path: string): Promise<Package> {
  const parts = new Map<string, Entry>()
  try {
    const zip = await openPromise(path, { autoClose: false })
    for await (const entry of zip.eachEntry()) {
      if (parts.size >= MAX_PARTS) throw new SheetFault('the file has more parts than a workbook')
      parts.set(entry.fileName, entry)
    }
    return new Package(zip, parts)
  } catch (error) {
    throw error instanceof SheetFault ? error : new SheetFault(`the file is damaged: ${String(error)}`)
  }
}

/** What happens in the XML, in its order. Names are without their namespace. */
export interface XmlSink {
  opened(name: string, attributes: Readonly<Record<string, string>>): void
  closed(name: string): void
  text(text: string): void
}

/** Feeds a part to the sink; after every chunk the caller has its turn. */
export async function* readXml(part: Readable, sink: XmlSink): AsyncGenerator<number> {
  const parser = new SaxesParser()
  parser.on('error', (error) => {
    throw new SheetFault(`the file is damaged: ${error.message}`)
  })
  let quiet = 0
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => {
    quiet = 0
    sink.opened(localName(name), attributes)
  })
  parser.on('closetag', ({ name }: SaxesTagPlain) => {
    quiet = 0
    sink.closed(localName(name))
  })
  parser.on('text', (text) => sink.text(text))
  const decoder = new TextDecoder()
  try {
    for await (const chunk of part) {
      const bytes = chunk as Buffer
      quiet += bytes.length
      if (quiet > MAX_TEXT_BYTES)
        throw new SheetFault(`the file is damaged: it has a text of more than ${MAX_TEXT_BYTES} bytes`)
      parser.write(decoder.decode(bytes, { stream: true }))
      yield bytes.length
    }
    parser.close()
  } finally {
    part.destroy()
  }
}

function localName(name: string): string {
  const at = name.indexOf(':')
  return at < 0 ? name : name.slice(at + 1)
}
