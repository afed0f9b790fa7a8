/** Decks repeat the same dates and increments in every row: each text is read once. */
const MAX_TEXTS = 1_000

export function remembered<Value>(read: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>()
  return (text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const value = read(text)
    if (known.size < MAX_TEXTS) known.set(text, value)
    return value
  }
}
