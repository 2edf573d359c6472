// How many answers are being waited for: a live page does not ask again before it has heard.
let waiting = 0;

export const busy = () => waiting > 0;

export async function during<T>(work: Promise<T>): Promise<T> {
  waiting++;
  try {
    return await work;
  } finally {
    waiting--;
  }
}
