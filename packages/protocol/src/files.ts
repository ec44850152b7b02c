export { readRegularFile, readRegularFileSync, UnsuitableFileError } from './files/regular-file.ts';
