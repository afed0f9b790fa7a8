import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { Tally } from '../../test/support/reporter.ts'
import { LongestFirst } from '../../test/support/sequencer.ts'

/** Most files wait as long as they compute; more of them at once would be too slow for those that take real time on the wire. */
const FILES_PER_PROCESSOR = 1.5
const MOST_FILES = 8

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', new Tally()],
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    maxWorkers: Math.min(MOST_FILES, Math.ceil(FILES_PER_PROCESSOR * availableParallelism())),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    allowOnly: false,
    passWithNoTests: false,
    restoreMocks: true,
    coverage: { include: ['src/**/*.ts'] },
  },
})
