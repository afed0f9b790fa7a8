import type { NoticeFacts } from '../notice.ts'
import type { NoticeTexts } from './text.ts'

const bought = {
  credit: 'Guthaben',
  bundle: 'Minuten',
  dialer: 'Dialer-Minuten',
  recharge: 'Automatische Aufladung',
} as const
const inPeriod = { day: 'an einem Tag', month: 'in einem Monat' } as const
const thisPeriod = { day: 'An diesem Tag', month: 'In diesem Monat' } as const

const whyStopped = {
  staff: 'Der monatliche Kauf von Minuten wurde beendet.',
  declined: 'Die Karte wurde zu oft abgelehnt; der monatliche Kauf von Minuten wurde deshalb beendet.',
  card_missing: 'Es ist keine Karte hinterlegt; der monatliche Kauf von Minuten wurde deshalb beendet.',
} as const

function notCharged(subject: string, line: string): NoticeTexts['texts']['recharge.failed'] {
  return ({ amount, card, reason, nextAtMs }, words) => ({
    subject,
    lines: [
      line,
      nextAtMs === undefined
        ? 'Es wird nicht von selbst noch einmal versucht.'
        : `Der nächste Versuch ist am ${words.moment(nextAtMs)}.`,
    ],
    rows: [
      ['Betrag', words.amount(amount)],
      ['Karte', card],
      ['Grund', reason],
    ],
  })
}

export const de: NoticeTexts = {
  account: (name, id) => ['Konto', `${name} (${id})`],
  footer: 'Sie erhalten diese Nachricht, weil Ihre Adresse zu diesem Konto hinterlegt ist.',
  texts: {
    'balance.low': ({ available, threshold }, words) => ({
      subject: `Ihr Guthaben liegt unter ${words.amount(threshold)}`,
      lines: [
        'Das verfügbare Guthaben ist niedrig. Bitte laden Sie auf, damit Anrufe nicht abgewiesen oder beendet werden.',
      ],
      rows: [
        ['Verfügbar', words.balance(available)],
        ['Schwelle', words.amount(threshold)],
      ],
    }),
    'balance.exhausted': ({ available }, words) => ({
      subject: 'Ihr Guthaben ist aufgebraucht',
      lines: [
        'Alles Guthaben ist verbraucht oder laufenden Anrufen zugesagt. Weitere Anrufe, die Guthaben brauchen, werden abgewiesen.',
      ],
      rows: [['Verfügbar', words.balance(available)]],
    }),
    'minutes.low': ({ pool, leftSeconds, grantedSeconds, resetsAtMs }, words) => ({
      subject: `Nur noch wenige Minuten: ${pool}`,
      lines: ['Die Minuten gehen zur Neige.'],
      rows: [
        ['Minuten', pool],
        ['Übrig', `${words.minutes(leftSeconds)} von ${words.minutes(grantedSeconds)}`],
        ...(resetsAtMs === undefined ? [] : [['Neue Minuten', words.moment(resetsAtMs)] as const]),
      ],
    }),
    'minutes.exhausted': ({ pool, resetsAtMs }, words) => ({
      subject: `Keine Minuten mehr: ${pool}`,
      lines: [
        'Alle Minuten sind verbraucht oder laufenden Anrufen zugesagt. Bitte fügen Sie Minuten hinzu, damit neue Anrufe nicht abgewiesen werden.',
      ],
      rows: [
        ['Minuten', pool],
        ...(resetsAtMs === undefined ? [] : [['Neue Minuten', words.moment(resetsAtMs)] as const]),
      ],
    }),
    'bundle.declined': notCharged(
      'Ihre Minuten konnten nicht erneuert werden',
      'Die Karte konnte für die Minuten des neuen Monats nicht belastet werden, und es kamen keine hinzu.',
    ),
    'bundle.stopped': ({ reason }) => ({
      subject: 'Ihre Minuten werden nicht mehr erneuert',
      lines: [whyStopped[reason], 'Bezahlte Minuten können genutzt werden, bis der Monat Ihres Vertrags endet.'],
    }),
    'recharge.failed': notCharged(
      'Ihre automatische Aufladung ist fehlgeschlagen',
      'Die Karte konnte nicht belastet werden, und es wurde kein Guthaben aufgeladen.',
    ),
    'recharge.paused': (pause) => ({
      subject: 'Ihre automatische Aufladung ist angehalten',
      lines: [...whyPaused(pause), 'Bis die Aufladung wieder eingeschaltet wird, wird kein Guthaben mehr gekauft.'],
    }),
    'recharge.capped': ({ period, of, cap, amount }, words) => ({
      subject: 'Ihre automatische Aufladung hat ihre Grenze erreicht',
      lines: [
        `Die Grenze der automatischen Käufe ${inPeriod[period]} ist erreicht. ${thisPeriod[period]} wird nichts mehr gekauft.`,
      ],
      rows: [
        [period === 'day' ? 'Tag' : 'Monat', words.period(of)],
        ['Grenze', words.amount(cap)],
        ['Nicht gekauft', words.amount(amount)],
      ],
    }),
    'payment.succeeded': ({ receipt, kind, amount, card, atMs }, words) => ({
      subject: `Beleg ${receipt}: ${words.amount(amount)}`,
      lines: ['Vielen Dank. Ihre Zahlung ist eingegangen.'],
      rows: [
        ['Beleg', receipt],
        ['Gekauft', bought[kind]],
        ['Betrag', words.amount(amount)],
        ['Karte', card],
        ['Bezahlt', words.moment(atMs)],
      ],
    }),
    'payment.refunded': ({ amount, card, receipt }, words) => ({
      subject: `Erstattung von ${words.amount(amount)}`,
      lines: ['Eine Zahlung wurde auf Ihre Karte erstattet.'],
      rows: [
        ['Betrag', words.amount(amount)],
        ['Karte', card],
        ...(receipt === undefined ? [] : [['Beleg', receipt] as const]),
      ],
    }),
    'spend.capped': ({ period, of, cap, spent }, words) => ({
      subject:
        period === 'day' ? 'Die Ausgabengrenze des Tages ist erreicht' : 'Die Ausgabengrenze des Monats ist erreicht',
      lines: [
        `Anrufe, die Guthaben brauchen, werden abgewiesen oder beendet, bis der ${period === 'day' ? 'Tag' : 'Monat'} vorüber ist.`,
      ],
      rows: [
        [period === 'day' ? 'Tag' : 'Monat', words.period(of)],
        ['Grenze', words.amount(cap)],
        ['Für beendete Anrufe ausgegeben', words.amount(spent)],
      ],
    }),
  },
}

function whyPaused(pause: NoticeFacts['recharge.paused']): readonly string[] {
  switch (pause.reason) {
    case 'failures':
      return [`Die Karte wurde ${pause.failures} Mal in Folge abgelehnt. Bitte prüfen Sie die hinterlegte Karte.`]
    case 'card_missing':
      return ['Es ist keine Karte hinterlegt, die belastet werden kann. Bitte fügen Sie eine hinzu.']
    case 'staff':
      return ['Sie wurde von Hand angehalten.']
  }
}
