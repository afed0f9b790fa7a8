/** Settings of notices to people, and of the mail that carries them. */
import { z } from 'zod'
import { languages } from '../accounts/contacts.ts'
import { email, label, seconds } from './fields.ts'

export const mail = z
  .strictObject({
    url: z
      .string()
      .regex(/^smtps?:\/\/[^\s/]\S*$/, 'must be a URL such as smtp://user:password@mail.example.com:587')
      .optional()
      .meta({ secret: true, description: 'Where the SMTP server is; none sends no mail.' }),
    from: email().optional().describe('Address of the sender; required with a URL.'),
    fromName: label().optional().describe('Name of the sender.'),
    replyTo: email().optional().describe('Where answers go; none is to the sender.'),
    allowPlain: z
      .boolean()
      .default(false)
      .describe('Send also without TLS, name and password included: for a server on this machine.'),
    timeoutSeconds: seconds(1, 300).default(20).describe('How long the server may be silent.'),
  })
  .prefault({})
  .superRefine((set, context) => {
    if (set.url === undefined || set.from !== undefined) return
    context.addIssue({ code: 'custom', path: ['from'], message: 'is missing; mail needs a sender' })
  })
  .meta({ restart: true, description: 'Outgoing mail.' })

export const notices = z
  .strictObject({
    language: z.enum(languages).default('en').describe('Language of accounts that name none.'),
    mostPerHour: z
      .int()
      .min(1)
      .max(1000)
      .default(20)
      .describe(
        'How much one account is told by mail in an hour, to all its readers; more is held back. Receipts are always sent.',
      ),
  })
  .prefault({})
  .describe('Notices to people.')
