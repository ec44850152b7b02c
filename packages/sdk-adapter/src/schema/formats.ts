/** A format that is checked. Each check takes a time that is linear in the length of the value. */
export interface Format {
  readonly type: 'string' | 'number';
  check(value: unknown): boolean;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/u;
const TIME = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|[+-](\d{2}):(\d{2}))$/u;
const DAYS = String.raw`(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)`;
const HOURS = String.raw`T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)`;
const DURATION = new RegExp(String.raw`^P(?:\d+W|${DAYS}(?:${HOURS})?|${HOURS})$`, 'u');
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/iu;
const LABEL = /^[A-Za-z\d](?:[A-Za-z\d-]{0,61}[A-Za-z\d])?$/u;
const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~-]+$/u;
const OCTET = /^(?:0|[1-9]\d{0,2})$/u;
const URI_CHARACTERS = /^[\w:/?#[\]@!$&'()*+,;=.~%-]*$/u;
const SCHEME = /^[a-z][a-z\d+.-]*:/iu;
const BAD_ESCAPE = /%(?![\da-f]{2})/iu;
const JSON_POINTER = /^(?:\/(?:[^~]|~0|~1)*)?$/u;
const RELATIVE_JSON_POINTER = /^(?:0|[1-9]\d*)(?:#|(?:\/(?:[^~]|~0|~1)*)?)$/u;

function isDate(text: string): boolean {
  const [, year = '', month = '', day = ''] = DATE.exec(text) ?? [];
  if (year === '') return false;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function isTime(text: string): boolean {
  const [whole, hours, minutes, seconds, zoneHours = '0', zoneMinutes = '0'] = TIME.exec(text) ?? [];
  if (whole === undefined) return false;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(zoneHours) > 23 || Number(zoneMinutes) > 59) return false;
  // A leap second is allowed in any minute.
  return Number(seconds) <= 60;
}

function isDateTime(text: string): boolean {
  return /^[Tt ]$/u.test(text.charAt(10)) && isDate(text.slice(0, 10)) && isTime(text.slice(11));
}

function isHostname(text: string): boolean {
  return text.length <= 253 && text.split('.', 128).every((label) => LABEL.test(label));
}

function isIpv4(text: string): boolean {
  const octets = text.length <= 15 ? text.split('.') : [];
  return octets.length === 4 && octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255);
}

function isIpv6(text: string): boolean {
  return text.length <= 45 && /^[\da-f:.]+$/iu.test(text) && URL.canParse(`http://[${text}]/`);
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(0, at));
  const domain = text.slice(at + 1);
  const isQuoted = /^"[^"\\]+"$/u.test(local);
  if (!isQuoted && !local.split('.').every((part) => LOCAL_PART.test(part))) return false;
  const address = /^\[(IPv6:)?(.*)\]$/u.exec(domain);
  return address ? (address[1] ? isIpv6 : isIpv4)(address[2] ?? '') : isHostname(domain);
}

function isUriReference(text: string): boolean {
  return URI_CHARACTERS.test(text) && !BAD_ESCAPE.test(text);
}

function isUri(text: string): boolean {
  return SCHEME.test(text) && isUriReference(text);
}

function ofString(check: (text: string) => boolean): Format {
  return { type: 'string', check: (value) => typeof value === 'string' && check(value) };
}

function ofInteger(bits: number): Format {
  const limit = 2 ** (bits - 1);
  return {
    type: 'number',
    check: (value) => typeof value === 'number' && Number.isInteger(value) && value >= -limit && value < limit,
  };
}

export const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['date', ofString(isDate)],
  ['time', ofString(isTime)],
  ['date-time', ofString(isDateTime)],
  ['duration', ofString((text) => DURATION.test(text))],
  ['email', ofString(isEmail)],
  ['hostname', ofString(isHostname)],
  ['ipv4', ofString(isIpv4)],
  ['ipv6', ofString(isIpv6)],
  ['uri', ofString(isUri)],
  ['uri-reference', ofString(isUriReference)],
  ['uuid', ofString((text) => UUID.test(text))],
  ['json-pointer', ofString((text) => JSON_POINTER.test(text))],
  ['relative-json-pointer', ofString((text) => RELATIVE_JSON_POINTER.test(text))],
  ['int32', ofInteger(32)],
  ['int64', ofInteger(64)],
]);
