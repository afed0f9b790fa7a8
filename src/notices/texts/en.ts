import type { NoticeFacts } from '../notice.ts'
import type { NoticeTexts } from './text.ts'

const bought = {
  credit: 'Credit',
  bundle: 'Minutes',
  dialer: 'Dialer minutes',
  recharge: 'Automatic recharge',
} as const

const whyStopped = {
  staff: 'The monthly purchase of minutes was ended.',
  declined: 'The card was declined too often, so the monthly purchase of minutes was ended.',
  card_missing: 'There is no card on file, so the monthly purchase of minutes was ended.',
} as const

function notCharged(subject: string, line: string): NoticeTexts['texts']['recharge.failed'] {
  return ({ amount, card, reason, nextAtMs }, words) => ({
    subject,
    lines: [
      line,
      nextAtMs === undefined ? 'It is not tried again by itself.' : `It is tried again on ${words.moment(nextAtMs)}.`,
    ],
    rows: [
      ['Amount', words.amount(amount)],
      ['Card', card],
      ['Reason', reason],
    ],
  })
}

export const en: NoticeTexts = {
  account: (name, id) => ['Account', `${name} (${id})`],
  footer: 'You receive this because your address is known for this account.',
  texts: {
    'balance.low': ({ available, threshold }, words) => ({
      subject: `Your balance is below ${words.amount(threshold)}`,
      lines: ['The available credit is low. Add credit so that calls are not refused or ended.'],
      rows: [
        ['Available', words.balance(available)],
        ['Threshold', words.amount(threshold)],
      ],
    }),
    'balance.exhausted': ({ available }, words) => ({
      subject: 'Your credit is used up',
      lines: ['All credit is used or promised to calls in progress. Further calls that need credit are refused.'],
      rows: [['Available', words.balance(available)]],
    }),
    'minutes.low': ({ pool, leftSeconds, grantedSeconds, resetsAtMs }, words) => ({
      subject: `Few minutes left: ${pool}`,
      lines: ['The minutes are running low.'],
      rows: [
        ['Minutes', pool],
        ['Left', `${words.minutes(leftSeconds)} of ${words.minutes(grantedSeconds)}`],
        ...(resetsAtMs === undefined ? [] : [['Next minutes', words.moment(resetsAtMs)] as const]),
      ],
    }),
    'minutes.exhausted': ({ pool, resetsAtMs }, words) => ({
      subject: `No minutes left: ${pool}`,
      lines: ['All minutes are used or promised to calls in progress. Add minutes so that new calls are not refused.'],
      rows: [
        ['Minutes', pool],
        ...(resetsAtMs === undefined ? [] : [['Next minutes', words.moment(resetsAtMs)] as const]),
      ],
    }),
    'bundle.declined': notCharged(
      'Your minutes could not be renewed',
      'The card could not be charged for the minutes of the new month, and none were added.',
    ),
    'bundle.stopped': ({ reason }) => ({
      subject: 'Your minutes are not renewed any more',
      lines: [whyStopped[reason], 'Minutes that are paid for can be used until the month of your plan ends.'],
    }),
    'recharge.failed': notCharged(
      'Your automatic recharge failed',
      'The card could not be charged, and no credit was added.',
    ),
    'recharge.paused': (pause) => ({
      subject: 'Your automatic recharge is paused',
      lines: [...whyPaused(pause), 'No more credit is bought until the recharge is switched on again.'],
    }),
    'recharge.capped': ({ period, of, cap, amount }, words) => ({
      subject: 'Your automatic recharge has reached its limit',
      lines: [
        `The limit of what is bought automatically in a ${period} is reached. No more is bought in this ${period}.`,
      ],
      rows: [
        [period === 'day' ? 'Day' : 'Month', words.period(of)],
        ['Limit', words.amount(cap)],
        ['Not bought', words.amount(amount)],
      ],
    }),
    'payment.succeeded': ({ receipt, kind, amount, card, atMs }, words) => ({
      subject: `Receipt ${receipt}: ${words.amount(amount)}`,
      lines: ['Thank you. We have received your payment.'],
      rows: [
        ['Receipt', receipt],
        ['Bought', bought[kind]],
        ['Amount', words.amount(amount)],
        ['Card', card],
        ['Paid', words.moment(atMs)],
      ],
    }),
    'payment.refunded': ({ amount, card, receipt }, words) => ({
      subject: `Refund of ${words.amount(amount)}`,
      lines: ['A payment was refunded to your card.'],
      rows: [
        ['Amount', words.amount(amount)],
        ['Card', card],
        ...(receipt === undefined ? [] : [['Receipt', receipt] as const]),
      ],
    }),
    'spend.capped': ({ period, of, cap, spent }, words) => ({
      subject: `The spending limit of the ${period} is reached`,
      lines: [`Calls that need credit are refused or ended until the ${period} is over.`],
      rows: [
        [period === 'day' ? 'Day' : 'Month', words.period(of)],
        ['Limit', words.amount(cap)],
        ['Spent on calls that ended', words.amount(spent)],
      ],
    }),
  },
}

function whyPaused(pause: NoticeFacts['recharge.paused']): readonly string[] {
  switch (pause.reason) {
    case 'failures':
      return [`The card was declined ${pause.failures} times in a row. Please check the card on file.`]
    case 'card_missing':
      return ['There is no card on file that can be charged. Please add one.']
    case 'staff':
      return ['It was paused by hand.']
  }
}
