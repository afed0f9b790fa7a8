/** What bridging costs at least: drachtio-srf's own back-to-back user agent, which asks nobody and tells nobody. */
import Srf from 'drachtio-srf'

const [port = '', secret = '', nextHop = ''] = process.argv.slice(2)
const srf = new Srf()

srf.invite((request, response) => {
  srf.createB2BUA(request, response, `sip:${request.callingNumber}@127.0.0.1:${nextHop}`, {}).then(
    ({ uas, uac }) => {
      uas.on('destroy', () => uac.destroy())
      uac.on('destroy', () => uas.destroy())
    },
    (error: unknown) => process.stderr.write(`${String(error)}\n`),
  )
})
srf.on('error', () => process.exit(1))
srf.on('connect', () => process.stdout.write('connected\n'))
void srf.connect({ host: '127.0.0.1', port: Number(port), secret })
