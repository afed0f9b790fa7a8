/** What is wrong in the operator's files: where it stands, what it is called, and what it must be. */

export interface ConfigProblem {
  /** Relative to the config folder; "environment" for a variable. */
  readonly file: string
  /** From 1; 0 when the whole file or a variable is meant. */
  readonly line: number
  readonly column: number
  /** "accounts[2].pools[0].seconds", a CSV column, or a variable's name. */
  readonly path: string
  readonly message: string
}

export type ConfigPath = readonly (string | number)[]

const MAX_PROBLEMS = 100

/** Problems of one run, bounded, so that a spoilt price book of a million rows is told in a page. */
export class ProblemList {
  readonly #found: ConfigProblem[] = []
  #more = 0

  add(...problems: readonly ConfigProblem[]): void {
    for (const problem of problems) {
      if (this.full) this.#more += 1
      else this.#found.push(problem)
    }
  }

  get full(): boolean {
    return this.#found.length >= MAX_PROBLEMS
  }

  get empty(): boolean {
    return this.#found.length === 0
  }

  /** Something was found that is not in the list. */
  get truncated(): boolean {
    return this.#more > 0
  }

  toSorted(): readonly ConfigProblem[] {
    return this.#found.toSorted((a, b) => compareText(a.file, b.file) || a.line - b.line || a.column - b.column)
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** ["accounts", 2, "pools", 0] to "accounts[2].pools[0]". */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

/** "tariffs/standard.csv:12:5: per_minute: must be …", as compilers and editors write it. */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`
  return [place, problem.path, problem.message].filter((part) => part !== '').join(': ')
}
