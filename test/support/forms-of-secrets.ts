import { createHash } from 'node:crypto';

/** The forms in which a secret could be stored: as it is, in parts, encoded, or as a hash or the beginning of one. */
export function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const hash = createHash('sha256').update(bytes).digest();
  return [
    secret,
    ...secret.split('.').filter((part) => part.length > 20),
    ...base64Of(bytes, 'base64'),
    ...base64Of(bytes, 'base64url'),
    bytes.toString('hex'),
    encodeURIComponent(secret),
    hash.toString('hex').slice(0, 16),
    hash.toString('base64').slice(0, 12),
    hash.toString('base64url').slice(0, 12),
  ];
}

/**
 * How the bytes look inside of a longer text that is encoded as a whole: they begin at one of three places of a group. The first and the last
 * characters depend on the neighbours, so they are left out.
 */
function base64Of(bytes: Buffer, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replaceAll('=', '');
    return text.slice(before === 0 ? 0 : before + 1, -2);
  });
}
