import { createHash, X509Certificate } from 'node:crypto';
import { readRegularFileSync } from '@credence/protocol/files';
import { invalid } from '../errors.ts';

/** A certificate in PEM, or a file with it that may be replaced while the bot runs. */
export type CertificateInput = string | { readonly file: string };

/**
 * Returns the header parameter `x5t#S256` for each assertion: the SHA-256 thumbprint of the certificate. A file is read again each time; if it has no
 * certificate for a while, the last one counts. Throws `invalid_configuration` if there is no certificate at the start.
 */
export function certificateHeader(input: CertificateInput): () => Readonly<Record<string, string>> {
  let last = thumbprint(textOf(input));
  if (last === undefined) {
    throw invalid(
      'entra: the certificate is missing or is not PEM text.',
      'Set entra({ certificate }) to the certificate that is uploaded for the app, as PEM or { file }: Entra finds the key by its thumbprint.',
    );
  }
  return () => {
    if (typeof input !== 'string') last = thumbprint(textOf(input)) ?? last;
    return { 'x5t#S256': last ?? '' };
  };
}

function textOf(input: CertificateInput): string {
  if (typeof input === 'string') return input;
  try {
    return readRegularFileSync(input.file).toString('utf8');
  } catch {
    return '';
  }
}

/** Undefined for a text without a certificate. The first one of a chain is that of the key. */
function thumbprint(text: string): string | undefined {
  const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/u.exec(text)?.[0];
  if (pem === undefined) return undefined;
  try {
    return createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url');
  } catch {
    return undefined;
  }
}
