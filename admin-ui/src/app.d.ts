declare global {
  namespace App {
    interface PageData {
      title?: string;
    }
  }
}

export {};
