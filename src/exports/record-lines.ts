/**
 * Records on their way to the thread that writes them: JSON, one a line, as bytes in a buffer of their own, which is handed
 * over and not copied. A million texts would be garbage of the thread that decides calls.
 */
export type RecordLines = Uint8Array<ArrayBuffer>

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function linesOf(records: readonly object[]): RecordLines {
  return encoder.encode(records.map((record) => JSON.stringify(record)).join('\n'))
}

/** The JSON of each. */
export function recordsIn(lines: RecordLines): readonly string[] {
  return lines.length === 0 ? [] : decoder.decode(lines).split('\n')
}
