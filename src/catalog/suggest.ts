/** "did you mean": the known word nearest to one that was mistyped. */

/** `, did you mean "timezone"?`, or nothing when no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? '' : `, did you mean "${near}"?`
}

export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const distance = distanceTo(squashed(candidate), squashed(word))
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** "per_minute", "perMinute" and "PER-MINUTE" are one word to someone in a hurry. */
export function squashed(word: string): string {
  return word.toLowerCase().replace(/[\s_-]/g, '')
}

/** A word cut short is as near as one with a letter wrong. */
function distanceTo(candidate: string, word: string): number {
  return word.length >= 3 && candidate.startsWith(word) ? 1 : editDistance(word, candidate)
}

/** Letters to add, drop or change to make one word the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change))
    }
    row = next
  }
  return row[b.length] ?? 0
}
