/** The code blocks of a page, and what they show as patterns. */

export interface Fence {
  readonly language: string
  readonly text: string
}

export function fencesOf(page: string): readonly Fence[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({ language, text }))
}

/** "{"allow":true,…}" as a pattern. */
export function patternOf(shown: string): RegExp {
  const parts = shown.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}
