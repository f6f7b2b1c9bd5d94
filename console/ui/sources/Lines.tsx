import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Pre } from '../design/TableWrap';

/** The name by which a sender can reach this machine, where the address of this page tells it; never the sender's own loopback. */
const seenAs = /^(?:localhost|127\.|\[?::1)/.test(location.hostname) ? undefined : location.hostname;

const devices = ['rsyslog', 'fortigate', 'other'] as const;
type Device = (typeof devices)[number];

/** What is typed at a device so that it sends syslog to a machine: TCP with frames of RFC 6587 wherever the device can. */
export function linesOf(device: Exclude<Device, 'other'>, to: string): string {
  if (device === 'fortigate')
    return [
      'config log syslogd setting',
      '    set status enable',
      `    set server "${to}"`,
      '    set mode reliable',
      '    set port 5514',
      'end',
    ].join('\n');
  return [
    '# /etc/rsyslog.d/60-hoalu.conf',
    `*.* action(type="omfwd" target="${to}" port="5514" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"`,
    '           queue.type="LinkedList" queue.filename="hoalu" queue.saveonshutdown="on" action.resumeRetryCount="-1")',
  ].join('\n');
}

/** Which device is to send, and what to do there. */
export function Lines() {
  const { t } = useTranslation();
  const [device, setDevice] = useState<Device>('rsyslog');
  const to = seenAs ?? t('sources.addressHere');
  return (
    <div>
      <label htmlFor="src-device">{t('sources.device')}</label>
      <select id="src-device" className="select" value={device} onChange={(e) => setDevice(e.target.value as Device)}>
        {devices.map((d) => (
          <option key={d} value={d}>
            {t(`sources.devices.${d}`)}
          </option>
        ))}
      </select>
      <p className="hint">{t(`sources.deviceDo.${device}`, { to })}</p>
      {!seenAs && <p className="hint warn-text">{t('sources.addressHint')}</p>}
      {device !== 'other' && <Pre label={t('sources.device')}>{linesOf(device, to)}</Pre>}
    </div>
  );
}
