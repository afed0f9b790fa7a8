/** The operator's commands. */
import { Command } from 'commander'
import { runDaemon } from './main.ts'

const program = new Command('tollgate')
program
  .command('serve')
  .description('Runs the daemon in the foreground.')
  .action(async () => {
    process.exit(await runDaemon())
  })
await program.parseAsync()
