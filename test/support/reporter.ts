/**
 * Counts what vitest ran. A test that was skipped, a file that did not load and an error outside of any test count as
 * failed. The count goes to the file named by TALLY_FILE as "passed failed", else to the output as a closing line.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node'

export class Tally implements Reporter {
  #onlyNamed = false

  onInit(vitest: Vitest): void {
    this.#onlyNamed = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let passed = 0
    let failed = unhandled.length
    for (const module of modules) {
      const outcomes = [...module.children.allTests()].map((test) => test.result().state)
      const passedHere = outcomes.filter((state) => state === 'passed').length
      // With a name pattern (vitest -t), the tests it leaves out are skipped on purpose.
      const leftOut = this.#onlyNamed ? outcomes.filter((state) => state === 'skipped').length : 0
      const failedHere = outcomes.length - passedHere - leftOut
      passed += passedHere
      failed += failedHere === 0 && module.state() === 'failed' ? 1 : failedHere
    }
    const file = process.env.TALLY_FILE
    if (file) writeFileSync(file, `${passed} ${failed}\n`)
    else console.log(`${passed} passed, ${failed} failed`)
  }
}
