import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from '@credence/protocol';
import type { CredenceError } from '../errors/credence-error.ts';
import { badKey, encryptedKey, unsupportedType } from './bad-key.ts';
import { keyOfDer } from './key-der.ts';

/** What a text with a key contains: a key, or a JWK or JWK set that the caller reads. */
export type KeyText = { readonly key: KeyObject } | { readonly json: JsonObject };

/** JSON text or base64 can contain the key text; each layer is removed. */
const MAX_LAYERS = 3;
const PRIVATE_LABELS: ReadonlySet<string> = new Set(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY']);

/**
 * Reads a private key from a text as people have it: PEM in PKCS#8, PKCS#1 or SEC1, also with certificates or other text around it,
 * without line breaks, with other line breaks or the characters `\n`, indented, in quotes, or in base64; or a JWK as JSON. Throws
 * `invalid_key`; the error contains no part of the text.
 */
export function readKeyText(input: string, layers = MAX_LAYERS): KeyText {
  // Some editors save UTF-16 or a byte order mark. Of ASCII text, only the NUL characters and the mark are too many.
  const text = input.replaceAll(/[\0\ufeff\ufffd]/gu, '').trim();
  const json = jsonIn(text);
  if (typeof json === 'string' && layers > 0) return readKeyText(json, layers - 1);
  if (isJsonObject(json)) return { json };
  const lines = text.replace(/^(["'`])(.*)\1$/su, '$2').replaceAll(/\\+r\\+n|\\+[rn]/gu, '\n');
  if (lines !== text && layers > 0 && jsonIn(lines.trim()) !== undefined) return readKeyText(lines, layers - 1);
  refuseOtherFormats(lines);
  const blocks = pemBlocks(lines);
  const privates = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [block, ...others] = privates;
  if (block) return { key: oneKeyOf(block, others) };
  if (/-----BEGIN [A-Z0-9 -]{0,40}PRIVATE KEY-----/u.test(lines)) throw incomplete();
  const [other] = blocks;
  if (other) throw badKey(`it is ${article(nameOf(other.label))} and contains no private key`, 'Give the private key.');
  if (isPath(lines)) throw badKey('it is not PEM text: it looks like the path of a file', GIVE_A_FILE);
  const decoded = fromBase64(lines);
  if (decoded && layers > 0) return fromDecoded(decoded, layers);
  throw notPem(input);
}

/** The value of a JSON object or a JSON string. */
function jsonIn(text: string): unknown {
  if (!/^[{"]/u.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

interface PemBlock {
  readonly label: string;
  readonly body: string;
}

function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 -]{1,40}?)-----([^-]*(?:-(?!----)[^-]*)*)-----END \1-----/gu)].map(
    ([, label = '', body = '']) => ({ label, body }),
  );
}

function keyOfBlock({ label, body }: PemBlock): KeyObject {
  if (label === 'ENCRYPTED PRIVATE KEY' || /Proc-Type:[ \t]*4,[ \t]*ENCRYPTED/u.test(body)) {
    throw encryptedKey();
  }
  if (label === 'OPENSSH PRIVATE KEY') throw openSshKey(body);
  if (label === 'DSA PRIVATE KEY') throw unsupportedType('a DSA key');
  // openssl rsa -traditional writes it, and openssl itself cannot read it.
  if (label === 'RSA-PSS PRIVATE KEY') {
    throw badKey(
      'it is an RSA-PSS key in an old format',
      'Convert the original again: openssl pkey -in ORIGINAL.pem -out KEY.pem',
    );
  }
  if (!PRIVATE_LABELS.has(label)) throw unsupportedType(article(nameOf(label)));
  const base64 = body.replaceAll(/\s+/gu, '');
  const wrapped = base64.match(/.{1,64}/gu)?.join('\n') ?? '';
  try {
    return createPrivateKey(`-----BEGIN ${label}-----\n${wrapped}\n-----END ${label}-----\n`);
  } catch (cause) {
    throw badKey('the PEM text cannot be read', 'Check that the text is complete and unchanged.', cause);
  }
}

/** The key of the blocks, which may contain it more than once: `cat` of a key and of a file with the key and its chain does so. */
function oneKeyOf(block: PemBlock, others: readonly PemBlock[]): KeyObject {
  if (others.length === 0) return keyOfBlock(block);
  const keys = [block, ...others].map((each) => {
    try {
      return keyOfBlock(each);
    } catch {
      return undefined;
    }
  });
  const [key] = keys;
  if (key !== undefined && keys.every((each) => each?.equals(key) === true)) return key;
  throw badKey(`it contains ${keys.length} private keys`, 'Leave only the key that is registered.');
}

/** The key in decoded base64: a whole PEM text or JWK, or the DER bytes of a key. */
function fromDecoded(decoded: Buffer, layers: number): KeyText {
  const text = decoded.toString('utf8');
  if (text.includes('-----BEGIN ') || /^\s*\{/u.test(text)) return readKeyText(text, layers - 1);
  return { key: keyOfDer(decoded, { why: 'it is base64 that contains no private key', remedy: WHOLE_PEM }) };
}

function fromBase64(text: string): Buffer | undefined {
  const compact = text.replaceAll(/\s+/gu, '');
  return compact.length >= 40 && /^[\w+/-]+=*$/u.test(compact) ? Buffer.from(compact, 'base64') : undefined;
}

/** A path or a file URL. Base64 of a key does not begin with a slash. */
function isPath(text: string): boolean {
  const path = text.trim();
  if (path.length > 4096 || /[\r\n]/u.test(path)) return false;
  return (
    /^(?:~?\/|\.{1,2}[\\/]|[A-Za-z]:[\\/]|\\\\|file:)/u.test(path) ||
    /^[^{"]*\.(?:pem|key|der|p8|pk8|p12|pfx|crt|cer|jwk|jwks|json|txt)$/iu.test(path)
  );
}

function refuseOtherFormats(text: string): void {
  if (text.startsWith('PuTTY-User-Key-File-')) {
    throw badKey(
      'it is a PuTTY key',
      'Convert it: puttygen KEY.ppk -O private-openssh -o KEY.pem; if the key is of the type Ed25519, create one with openssl genpkey.',
    );
  }
  if (text.startsWith('---- BEGIN SSH2 PUBLIC KEY')) {
    throw badKey('it is a public key in the SSH2 format (RFC 4716)', 'Give the private key as PEM.');
  }
  if (text.startsWith('---- BEGIN SSH2 ')) {
    throw badKey(
      'it is a private key in the SSH2 format of ssh.com',
      'Convert it: ssh-keygen -i -f KEY > KEY.pem; if it has a passphrase, remove the passphrase first with the program that made the key.',
    );
  }
  if (/^(?:ssh-|ecdsa-sha2-|sk-)[\w@.-]+ [\w+/]+/u.test(text)) {
    throw badKey('it is a public key of OpenSSH', 'Give the private key as PEM.');
  }
  if (text.includes('-----BEGIN PGP ')) {
    throw badKey(
      'it is a PGP key',
      'Create a key: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY.pem',
    );
  }
}

const WHOLE_PEM =
  'Give the whole text from "-----BEGIN PRIVATE KEY-----" to "-----END PRIVATE KEY-----"; for a path, use key: { file: PATH }.';
const GIVE_A_FILE =
  'Give the file as key: { file: PATH }; in the environment, set the variable with the suffix _FILE (CREDENCE_IDP_PRIVATE_KEY_FILE).';
const SSH_KEYGEN = 'Convert a copy of it: ssh-keygen -p -m PKCS8 -N "" -f COPY';

/** OpenSSH writes an Ed25519 key only in its own format, so such a key cannot be converted by `ssh-keygen`. */
function openSshKey(body: string): CredenceError {
  const bytes = Buffer.from(body.replaceAll(/\s+/gu, ''), 'base64').toString('latin1');
  const isEd25519 = bytes.slice(0, 400).includes('ssh-ed25519');
  return badKey(
    `it is ${isEd25519 ? 'an Ed25519 key' : 'a key'} in the OpenSSH format`,
    isEd25519
      ? 'ssh-keygen cannot convert this type: create a key (openssl genpkey -algorithm ed25519 -out KEY.pem) and register it.'
      : SSH_KEYGEN,
  );
}

function incomplete(): CredenceError {
  return badKey('the PEM text cannot be read: it ends before its END line', 'Check that the text or file is complete.');
}

function notPem(input: string): CredenceError {
  // eslint-disable-next-line no-control-regex
  if (/[\u0001-\u0008\u000e-\u001f\ufffd]/u.test(input)) {
    return badKey(
      'it is a binary file and not PEM text',
      'Convert it: openssl pkcs12 -in KEY.p12 -nodes -nocerts -out KEY.pem, or openssl pkey -inform DER -in KEY.der -out KEY.pem.',
    );
  }
  return badKey('it is not PEM text', WHOLE_PEM);
}

function nameOf(label: string): string {
  return label.toLowerCase().replace(/^(?:rsa|ec|dsa)\b/u, (type) => type.toUpperCase());
}

function article(name: string): string {
  return `${/^(?:[aeiou]|RSA|EC)/u.test(name) ? 'an' : 'a'} ${name}`;
}
