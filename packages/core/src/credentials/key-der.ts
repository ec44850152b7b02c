import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { badKey, encryptedKey } from './bad-key.ts';

/**
 * The text of the bytes of a key file. The bytes of a DER file become base64, which `readKeyText` reads: as UTF-8 they would be
 * destroyed.
 */
export function textOfKeyBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isDer(buffer) ? buffer.toString('base64') : buffer.toString('utf8');
}

/** Whether the bytes are one SEQUENCE of ASN.1 with nothing behind it, as every key and certificate in DER is. */
function isDer(bytes: Buffer): boolean {
  const content = contentOf(bytes);
  return content !== undefined && content.start + content.length === bytes.length;
}

function contentOf(bytes: Buffer): { start: number; length: number } | undefined {
  const [tag, first = 0x80] = bytes;
  if (tag !== 0x30) return undefined;
  if (first < 0x80) return { start: 2, length: first };
  const size = first & 0x7f;
  if (size === 0 || size > 4 || bytes.length < 2 + size) return undefined;
  return { start: 2 + size, length: bytes.readUIntBE(2, size) };
}

/** The private key in DER: PKCS#8, PKCS#1 or SEC1. Throws `invalid_key`, which says what the bytes are instead. */
export function keyOfDer(der: Buffer, otherwise: { readonly why: string; readonly remedy: string }): KeyObject {
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: der, format: 'der', type });
    } catch {
      // The next type is tried.
    }
  }
  const start = der.subarray(contentOf(der)?.start ?? 0).toString('hex', 0, 40);
  // PKCS#12 (RFC 7292 section 4): the version 3, and then the contents.
  if (start.startsWith('02010330')) {
    throw badKey(
      'it is a PKCS#12 file (.pfx, .p12)',
      'Convert it: openssl pkcs12 -in KEY.p12 -nodes -nocerts -out KEY.pem',
    );
  }
  // PKCS#8 EncryptedPrivateKeyInfo (RFC 5958 section 3): an algorithm of PKCS#5 or PKCS#12, and no version before it.
  if (/^30.{2,6}06(?:092a864886f70d0105|0a2a864886f70d010c01)/u.test(start)) throw encryptedKey();
  if (isReadable(() => new X509Certificate(der))) {
    throw badKey('it is a certificate and contains no private key', 'Give the private key.');
  }
  const isPublic = (['spki', 'pkcs1'] as const).some((type) =>
    isReadable(() => createPublicKey({ key: der, format: 'der', type })),
  );
  if (isPublic) throw badKey('it is a public key and contains no private key', 'Give the private key.');
  throw badKey(otherwise.why, otherwise.remedy);
}

function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
