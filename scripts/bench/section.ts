/** One line of figures. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
}
/** A ratio within this run, and what it must be. */
export interface Bar {
  readonly name: string
  readonly ratio: number
  readonly atLeast?: number
  readonly atMost?: number
}
export interface Section {
  readonly title: string
  readonly command: string
  readonly rows: readonly Row[]
  readonly bars: readonly Bar[]
  readonly notes: readonly string[]
}
/** What a measure gets: a folder of its own, how long to measure, of how many calls where that matters, where to say how far it is. */
export interface BenchContext {
  readonly folder: string
  readonly seconds: number
  readonly calls?: number
  readonly say: (line: string) => void
}
export type Measure = (context: BenchContext) => Promise<Section>
